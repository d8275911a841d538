// SPDX-License-Identifier: GPL-2.0-only
// Requests touch memory, take receives, and are answered.

#include "hca-model/responder.h"

#include <algorithm>
#include <atomic>

namespace decouple::hca
{
namespace
{

/* In front of a datagram's data there is room for a global route header, used or not. */
constexpr uint64_t grh_size = 40;

bool consumes_receive(wqe::Opcode opcode)
{
	return opcode == wqe::Opcode::send || opcode == wqe::Opcode::send_immediate || opcode == wqe::Opcode::write_immediate;
}

bool writes(wqe::Opcode opcode)
{
	return opcode == wqe::Opcode::write || opcode == wqe::Opcode::write_immediate;
}

cqe::Kind completion_kind(wqe::Opcode opcode)
{
	switch (opcode) {
	case wqe::Opcode::write_immediate:
		return cqe::Kind::write_immediate;
	case wqe::Opcode::send_immediate:
		return cqe::Kind::send_immediate;
	default:
		return cqe::Kind::send;
	}
}

} // namespace

std::optional<ReceiveEntry> Responder::take(QueuePair &pair)
{
	if (pair.shares_receive)
		return around_.shared.take(pair.value(qp::srq));
	return pair.has_receive ? pair.receive.take(around_.bus) : std::nullopt;
}

Responder::Outcome Responder::read(QueuePair &pair, const PacketHeader &header)
{
	Outcome outcome;
	outcome.data.reserve(std::min<size_t>(header.length, 1 << 20));
	if (!pair.value(qp::remote_read) ||
	    !around_.memory.access(header.key, header.address, header.length, pair.pd(), Memory::remote_read,
				   [&outcome](uint8_t *memory, uint64_t len) {
					   outcome.data.insert(outcome.data.end(), memory, memory + len);
				   }))
		return {.refusal = cqe::Syndrome::remote_access};
	return outcome;
}

Responder::Outcome Responder::atomic(QueuePair &pair, const PacketHeader &header)
{
	if (header.address % 8)
		return {.refusal = cqe::Syndrome::remote_invalid_request};
	uint64_t before = 0;
	const auto operation = [&](uint8_t *memory, uint64_t) {
		std::atomic_ref<uint64_t> word(*reinterpret_cast<uint64_t *>(memory));
		if (header.opcode == wqe::Opcode::fetch_add) {
			before = word.fetch_add(header.swap_add);
		} else {
			before = header.compare;
			word.compare_exchange_strong(before, header.swap_add);
		}
	};
	if (!pair.value(qp::remote_atomic) ||
	    !around_.memory.access(header.key, header.address, 8, pair.pd(), Memory::atomic, operation))
		return {.refusal = cqe::Syndrome::remote_access};
	pair.last_atomic_psn = header.psn;
	pair.last_atomic = before;
	Outcome outcome;
	outcome.data.resize(sizeof(before));
	std::memcpy(outcome.data.data(), &before, sizeof(before));
	return outcome;
}

cqe::Syndrome Responder::scatter(QueuePair &pair, const ReceiveEntry &entry, Bytes data)
{
	uint64_t skip = pair.service == qp::Service::ud ? grh_size : 0, room = 0;
	for (const Segment &segment : entry.segments)
		room += segment.length;
	if (room < skip + data.size())
		return cqe::Syndrome::local_length;
	const uint32_t pd = pair.shares_receive ? around_.shared.pd(pair.value(qp::srq)) : pair.pd();
	for (const Segment &segment : entry.segments) {
		const uint64_t skipped = std::min<uint64_t>(skip, segment.length);
		const auto size = std::min<uint64_t>(segment.length - skipped, data.size());
		skip -= skipped;
		if (size &&
		    !around_.memory.write(segment.key, segment.address + skipped, data.first(size), pd, Memory::local_write))
			return cqe::Syndrome::local_protection;
		data = data.subspan(size);
	}
	return cqe::Syndrome::none;
}

Responder::Outcome Responder::receive(QueuePair &pair, const Packet &packet)
{
	/* Before a receive is taken: one that is taken can't be given back. */
	if (packet.header.opcode == wqe::Opcode::write_immediate && !packet.payload.empty() &&
	    (!pair.value(qp::remote_write) ||
	     !around_.memory.write(packet.header.key, packet.header.address, packet.payload, pair.pd(), Memory::remote_write)))
		return {.refusal = cqe::Syndrome::remote_access};
	const auto entry = take(pair);
	if (!entry)
		return {.ready = false};
	if (packet.header.opcode != wqe::Opcode::write_immediate) {
		const auto syndrome = scatter(pair, *entry, packet.payload);
		if (syndrome != cqe::Syndrome::none) {
			fail(pair, *entry, syndrome);
			return {.refusal = syndrome == cqe::Syndrome::local_length ? cqe::Syndrome::remote_invalid_request
										   : cqe::Syndrome::remote_operation};
		}
	}
	complete(pair, *entry, packet);
	return {};
}

Responder::Outcome Responder::perform(QueuePair &pair, const Packet &packet)
{
	const PacketHeader &header = packet.header;
	if (consumes_receive(header.opcode))
		return receive(pair, packet);
	if (writes(header.opcode)) {
		/* Writing nothing needs no key. */
		if (!pair.value(qp::remote_write) ||
		    (!packet.payload.empty() &&
		     !around_.memory.write(header.key, header.address, packet.payload, pair.pd(), Memory::remote_write)))
			return {.refusal = cqe::Syndrome::remote_access};
		return {};
	}
	if (header.opcode == wqe::Opcode::read)
		return read(pair, header);
	if (header.opcode == wqe::Opcode::compare_swap || header.opcode == wqe::Opcode::fetch_add)
		return atomic(pair, header);
	return {.refusal = cqe::Syndrome::remote_invalid_request};
}

void Responder::reply(const QueuePair &pair, const PacketHeader &request, Outcome &&outcome)
{
	Packet packet = {};
	packet.header = request;
	packet.header.kind = !outcome.ready                           ? PacketKind::not_ready
			     : outcome.refusal != cqe::Syndrome::none ? PacketKind::refusal
								      : PacketKind::acknowledge;
	packet.header.syndrome = outcome.refusal;
	packet.header.rnr_timer = static_cast<uint8_t>(pair.value(qp::min_rnr_timer));
	packet.header.target_lid = request.source_lid;
	packet.header.source_qp = pair.number;
	packet.header.target_qp = request.source_qp;
	packet.payload = std::move(outcome.data);
	around_.wire.send(std::move(packet));
}

void Responder::request(QueuePair &pair, const Packet &packet)
{
	const PacketHeader &header = packet.header;
	/* What does not belong here is dropped, as on a real wire: the requester's timer tells it. */
	if (!pair.receives() || header.service != pair.service)
		return;
	if (pair.service == qp::Service::ud) {
		if (header.key == pair.value(qp::q_key))
			perform(pair, packet);
		return;
	}
	if (header.source_qp != pair.value(qp::remote_qp) || header.source_lid != pair.path(path::lid))
		return;
	if (pair.service == qp::Service::uc) {
		perform(pair, packet);
		return;
	}
	const uint32_t expected = pair.value(qp::receive_psn);
	if (header.psn == expected) {
		Outcome outcome = perform(pair, packet);
		if (outcome.ready)
			pair.advance(qp::receive_psn);
		if (outcome.refusal != cqe::Syndrome::none)
			pair.state = qp::State::error;
		reply(pair, header, std::move(outcome));
		return;
	}
	/* The answer got lost. Only the last request can come again, for there is one at a time. */
	if (header.psn != ((expected - 1) & 0xffffff))
		return;
	Outcome outcome;
	if (header.opcode == wqe::Opcode::read) {
		outcome = read(pair, header);
	} else if (header.psn == pair.last_atomic_psn) {
		outcome.data.resize(sizeof(pair.last_atomic));
		std::memcpy(outcome.data.data(), &pair.last_atomic, sizeof(pair.last_atomic));
	}
	reply(pair, header, std::move(outcome));
}

bool Responder::flush(QueuePair &pair)
{
	bool any = false;
	/* Shared receives stay for the others. */
	if (pair.state != qp::State::error || pair.shares_receive)
		return false;
	for (; auto entry = take(pair); any = true)
		fail(pair, *entry, cqe::Syndrome::flushed);
	return any;
}

void Responder::complete(QueuePair &pair, const ReceiveEntry &entry, const Packet &packet)
{
	Completion completion(completion_kind(packet.header.opcode));
	completion.solicited = packet.header.solicited;
	completion.put(cqe::source_lid, packet.header.source_lid);
	completion.put(cqe::source_qp, packet.header.source_qp);
	completion.put(cqe::user_index, pair.value(qp::user_index));
	if (packet.header.opcode != wqe::Opcode::send)
		completion.put(cqe::immediate, packet.header.immediate);
	completion.put(cqe::length, packet.payload.size() + (pair.service == qp::Service::ud ? grh_size : 0));
	completion.put(cqe::qp, pair.number);
	completion.put(cqe::wqe_counter, entry.index);
	around_.completions.post(pair.value(qp::receive_cq), completion);
}

void Responder::fail(QueuePair &pair, const ReceiveEntry &entry, cqe::Syndrome syndrome)
{
	Completion completion(cqe::Kind::response_error);
	completion.put(cqe::user_index, pair.value(qp::user_index));
	completion.put(cqe::syndrome, static_cast<unsigned>(syndrome));
	completion.put(cqe::qp, pair.number);
	completion.put(cqe::wqe_counter, entry.index);
	around_.completions.post(pair.value(qp::receive_cq), completion);
	pair.state = qp::State::error;
}

} // namespace decouple::hca
