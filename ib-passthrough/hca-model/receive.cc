// SPDX-License-Identifier: GPL-2.0-only
// Receive queues.

#include "hca-model/receive.h"

#include <atomic>

#include "prm/opcode.h"

namespace decouple::hca
{
namespace
{

constexpr BufferFields buffer_fields = {
	.umem_valid = rmp::umem_valid.at(rmp::wq_at),
	.umem_id = rmp::umem_id.at(rmp::wq_at),
	.umem_offset = rmp::umem_offset.at(rmp::wq_at),
	.page_offset = rmp::page_offset,
	.log_page_size = rmp::log_page_size,
	.context_at = rmp::wq_at,
	.pas_at = rmp::pas_at,
};

constexpr RecordFields record_fields = {rmp::dbr_umem_valid, rmp::dbr_umem, rmp::dbr_address};

} // namespace

uint16_t ReceiveQueue::posted(Bus &bus) const
{
	uint8_t *record = record_.find(bus, 0, 4);
	if (!record)
		return 0;
	const uint32_t counter = be32toh(std::atomic_ref<uint32_t>(*reinterpret_cast<uint32_t *>(record)).load());
	const auto posted = static_cast<uint16_t>(counter - taken_);
	/* A record that claims more than the queue holds is nonsense. */
	return posted <= 1u << log_size_ ? posted : 0;
}

std::optional<ReceiveEntry> ReceiveQueue::take(Bus &bus)
{
	if (!posted(bus))
		return std::nullopt;
	const auto slot = static_cast<uint16_t>((linked_ ? head_ : taken_) & ((1u << log_size_) - 1));
	const uint64_t size = 1ull << log_stride_;
	uint8_t *memory = buffer_.find(bus, slot * size, size);
	if (!memory)
		return std::nullopt;
	ReceiveEntry entry{linked_ ? slot : taken_, {}};
	const Bytes bytes(memory, size);
	if (linked_)
		head_ = static_cast<uint16_t>(get(bytes, wqe::next_index));
	taken_++;
	for (uint64_t at = linked_ ? wqe::segment : 0; at < size; at += wqe::segment) {
		const Bytes segment = bytes.subspan(at);
		const auto key = static_cast<uint32_t>(get(segment, wqe::local_key));
		if (key == mkey::invalid)
			break;
		entry.segments.push_back(
			{static_cast<uint32_t>(get(segment, wqe::byte_count)), key, get(segment, wqe::local), {}});
	}
	return entry;
}

Status SharedQueues::create(Command &command)
{
	const Bytes wq = tail(command.in, rmp::wq_at);
	const auto log_size = static_cast<unsigned>(get(wq, rmp::log_size));
	const auto log_stride = static_cast<unsigned>(get(wq, rmp::log_stride));
	auto buffer = memory_.buffer(command.in, buffer_fields);
	auto record = memory_.record(wq, record_fields);
	if (!buffer || !record)
		return Status::bad_resource;
	if (get(wq, rmp::wq_type) != rmp::linked_list || log_size > 15 || log_stride < 5 || log_stride > 12)
		return Status::bad_parameter;
	const auto pd = static_cast<uint32_t>(get(wq, rmp::pd));
	return add_to(queues_, {ReceiveQueue(*buffer, *record, log_size, log_stride, true), pd, log_size, log_stride}, command);
}

Status SharedQueues::modify(Command &command)
{
	Queue *queue = queues_.find(command.number());
	if (!queue)
		return Status::bad_resource;
	if (get(command.in, rmp::modify_mask) & rmp::modify_limit)
		queue->limit = static_cast<uint16_t>(get(tail(command.in, rmp::wq_at), rmp::limit));
	return Status::ok;
}

Status SharedQueues::query(Command &command)
{
	const Queue *queue = queues_.find(command.number());
	if (!queue)
		return Status::bad_resource;
	set(tail(command.out, rmp::at), rmp::state, rmp::ready);
	const MutableBytes wq = tail(command.out, rmp::wq_at);
	set(wq, rmp::pd, queue->pd);
	set(wq, rmp::log_size, queue->log_size);
	set(wq, rmp::log_stride, queue->log_stride);
	set(wq, rmp::limit, queue->limit);
	return Status::ok;
}

std::optional<Status> SharedQueues::execute(Command &command)
{
	switch (command.opcode()) {
	case op_create_rmp:
		return create(command);
	case op_modify_rmp:
		return modify(command);
	case op_destroy_rmp:
		return remove_from(queues_, command);
	case op_query_rmp:
		return query(command);
	}
	return std::nullopt;
}

std::optional<ReceiveEntry> SharedQueues::take(uint32_t number)
{
	Queue *queue = queues_.find(number);
	if (!queue)
		return std::nullopt;
	auto entry = queue->entries.take(bus_);
	if (queue->limit && queue->entries.posted(bus_) < queue->limit) {
		queue->limit = 0;
		EventData data = {};
		set(data, eq::queue_number, number);
		events_.broadcast(eq::Event::srq_limit, 0, data);
	}
	return entry;
}

uint32_t SharedQueues::pd(uint32_t number)
{
	const Queue *queue = queues_.find(number);
	return queue ? queue->pd : 0;
}

} // namespace decouple::hca
