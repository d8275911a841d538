// SPDX-License-Identifier: GPL-2.0-only
// Send queue entries become packets, answers become completions.

#include "hca-model/requester.h"

#include <algorithm>
#include <atomic>

namespace decouple::hca
{
namespace
{

constexpr uint64_t never = ~0ull;
constexpr uint64_t longest_message = 1 << 30, longest_datagram = 4096;
/* rnr_retry of 7 is "without end". */
constexpr unsigned unlimited = 7;

/* InfiniBand's code for the time that a receiver asks for: steps of 1, 1.5 and 2, from 10 us on; 0 is the longest. */
uint64_t rnr_time_ns(unsigned code)
{
	constexpr uint64_t unit_ns = 10000;
	if (code == 1)
		return unit_ns;
	const unsigned step = code ? code : 32;
	return (step % 2 ? unit_ns * 3 / 2 : unit_ns) << (step / 2);
}

} // namespace

bool Requester::take(QueuePair &pair, SendEntry &entry, bool &parsed)
{
	uint8_t *record = pair.has_send ? pair.record.find(around_.bus, 4, 4) : nullptr;
	if (!record)
		return false;
	const uint32_t counter = be32toh(std::atomic_ref<uint32_t>(*reinterpret_cast<uint32_t *>(record)).load());
	const unsigned size = 1u << pair.value(qp::log_sq_size);
	const auto posted = static_cast<uint16_t>(counter - pair.sent);
	/* A record that claims more than the queue holds is nonsense. */
	if (!posted || posted > size)
		return false;
	std::array<uint8_t, 16 * wqe::block> bytes;
	unsigned blocks = 1;
	for (unsigned i = 0; i < blocks; i++) {
		const uint64_t at = pair.send_at + uint64_t((pair.sent + i) & (size - 1)) * wqe::block;
		uint8_t *memory = pair.buffer.find(around_.bus, at, wqe::block);
		if (!memory)
			return false;
		std::copy(memory, memory + wqe::block, &bytes[i * wqe::block]);
		if (i == 0)
			blocks = send_entry_blocks(Bytes(bytes).first(wqe::block));
	}
	parsed = parse_send_entry(Bytes(bytes).first(blocks * wqe::block), pair.service, entry) && blocks <= posted;
	/* Never beyond what is posted, or the two would not meet again. */
	pair.sent = static_cast<uint16_t>(pair.sent + std::min<unsigned>(blocks, posted));
	return true;
}

bool Requester::gather(const QueuePair &pair, const SendEntry &entry, std::vector<uint8_t> &payload)
{
	payload.reserve(entry.length);
	for (const Segment &segment : entry.segments) {
		if (!segment.inlined.empty()) {
			payload.insert(payload.end(), segment.inlined.begin(), segment.inlined.end());
			continue;
		}
		if (!around_.memory.access(
			    segment.key, segment.address, segment.length, pair.pd(), Memory::local_read,
			    [&payload](uint8_t *memory, uint64_t len) { payload.insert(payload.end(), memory, memory + len); }))
			return false;
	}
	return true;
}

bool Requester::scatter(const QueuePair &pair, const SendEntry &entry, Bytes data)
{
	for (const Segment &segment : entry.segments) {
		const size_t size = std::min<size_t>(segment.length, data.size());
		if (size &&
		    !around_.memory.write(segment.key, segment.address, data.first(size), pair.pd(), Memory::local_write))
			return false;
		data = data.subspan(size);
	}
	return true;
}

uint64_t Requester::answer_due(const QueuePair &pair)
{
	const unsigned code = pair.path(path::ack_timeout);
	if (!code)
		return never;
	const uint64_t timeout_ns = std::max<uint64_t>(4096ull << code, around_.knobs.least_ack_timeout_ms * 1000000);
	return around_.bus.now_ns() + timeout_ns;
}

void Requester::start(QueuePair &pair, SendEntry &&entry)
{
	if (entry.opcode == wqe::Opcode::nop) {
		complete(pair, entry);
		return;
	}
	const bool reliable = pair.service == qp::Service::rc, datagram = pair.service == qp::Service::ud;
	Packet packet = {};
	if (entry.length > (datagram ? longest_datagram : longest_message)) {
		fail(pair, entry, cqe::Syndrome::local_length);
		return;
	}
	if ((entry.is_send() || entry.is_write()) && !gather(pair, entry, packet.payload)) {
		fail(pair, entry, cqe::Syndrome::local_protection);
		return;
	}
	packet.header.kind = PacketKind::request;
	packet.header.opcode = entry.opcode;
	packet.header.service = pair.service;
	packet.header.solicited = entry.solicited;
	packet.header.target_lid = static_cast<uint16_t>(datagram ? entry.target_lid : pair.path(path::lid));
	packet.header.source_qp = pair.number;
	packet.header.target_qp = datagram ? entry.target_qp : pair.value(qp::remote_qp);
	packet.header.psn = pair.value(qp::send_psn);
	packet.header.immediate = entry.immediate;
	packet.header.key = entry.key;
	packet.header.length = static_cast<uint32_t>(entry.is_atomic() ? 8 : entry.length);
	packet.header.address = entry.address;
	packet.header.swap_add = entry.swap_add;
	packet.header.compare = entry.compare;
	/* A Q_Key with its top bit set stands for the sender's own. */
	if (datagram && packet.header.key >> 31)
		packet.header.key = pair.value(qp::q_key);
	pair.advance(qp::send_psn);
	if (!reliable) {
		around_.wire.send(std::move(packet));
		complete(pair, entry);
		return;
	}
	pair.pending = Pending{std::move(entry), packet, answer_due(pair)};
	around_.wire.send(std::move(packet));
}

bool Requester::repeat(QueuePair &pair)
{
	Pending &pending = *pair.pending;
	if (pending.due_ns == never || around_.bus.now_ns() < pending.due_ns)
		return false;
	if (pending.retries++ == pair.value(qp::retry_count)) {
		const SendEntry entry = std::move(pending.entry);
		pair.pending.reset();
		fail(pair, entry, cqe::Syndrome::retries_exceeded);
		return true;
	}
	pending.due_ns = answer_due(pair);
	around_.wire.send(Packet(pending.packet));
	return true;
}

bool Requester::step(QueuePair &pair)
{
	SendEntry entry = {};
	bool parsed;
	if (pair.state == qp::State::error) {
		bool any = pair.pending.has_value();
		if (any) {
			entry = std::move(pair.pending->entry);
			pair.pending.reset();
			fail(pair, entry, cqe::Syndrome::flushed);
		}
		for (; take(pair, entry, parsed); any = true, entry = {})
			fail(pair, entry, cqe::Syndrome::flushed);
		return any;
	}
	if (pair.state != qp::State::rts)
		return false;
	if (pair.pending)
		return repeat(pair);
	if (!take(pair, entry, parsed))
		return false;
	if (parsed)
		start(pair, std::move(entry));
	else
		fail(pair, entry, cqe::Syndrome::local_operation);
	return true;
}

void Requester::answer(QueuePair &pair, const Packet &packet)
{
	const PacketHeader &header = packet.header;
	if (!pair.pending || header.psn != pair.pending->packet.header.psn)
		return; /* to a request that was repeated, and answered already */
	Pending &pending = *pair.pending;
	if (header.kind == PacketKind::not_ready) {
		const unsigned most = pair.value(qp::rnr_retry);
		if (most == unlimited || pending.refusals++ < most) {
			pending.due_ns = around_.bus.now_ns() + rnr_time_ns(header.rnr_timer);
			pending.retries = 0;
			return;
		}
	}
	const SendEntry entry = std::move(pending.entry);
	pair.pending.reset();
	if (header.kind == PacketKind::not_ready)
		fail(pair, entry, cqe::Syndrome::receiver_not_ready);
	else if (header.kind == PacketKind::refusal)
		fail(pair, entry, header.syndrome);
	else if ((entry.is_read() || entry.is_atomic()) && !scatter(pair, entry, packet.payload))
		fail(pair, entry, cqe::Syndrome::local_protection);
	else
		complete(pair, entry);
}

void Requester::complete(QueuePair &pair, const SendEntry &entry)
{
	if (!entry.signalled)
		return;
	Completion completion(cqe::Kind::request);
	completion.put(cqe::user_index, pair.value(qp::user_index));
	completion.put(cqe::length, entry.length);
	completion.put(cqe::wqe_opcode, static_cast<unsigned>(entry.opcode));
	completion.put(cqe::qp, pair.number);
	completion.put(cqe::wqe_counter, entry.index);
	around_.completions.post(pair.value(qp::send_cq), completion);
}

void Requester::fail(QueuePair &pair, const SendEntry &entry, cqe::Syndrome syndrome)
{
	Completion completion(cqe::Kind::request_error);
	completion.put(cqe::user_index, pair.value(qp::user_index));
	completion.put(cqe::syndrome, static_cast<unsigned>(syndrome));
	completion.put(cqe::wqe_opcode, static_cast<unsigned>(entry.opcode));
	completion.put(cqe::qp, pair.number);
	completion.put(cqe::wqe_counter, entry.index);
	around_.completions.post(pair.value(qp::send_cq), completion);
	pair.state = qp::State::error;
}

} // namespace decouple::hca
