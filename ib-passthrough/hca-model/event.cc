// SPDX-License-Identifier: GPL-2.0-only
// Event queues.

#include "hca-model/event.h"

#include <algorithm>
#include <atomic>

#include "prm/opcode.h"

namespace decouple::hca
{
namespace
{

constexpr BufferFields buffer_fields = {
	.umem_valid = {0x40, 1}, /* reserved: event queues are never in umems */
	.umem_id = {0x40, 32},
	.umem_offset = {0x40, 64},
	.page_offset = eq::page_offset,
	.log_page_size = eq::log_page_size,
	.context_at = eq::at,
	.pas_at = command::pas_at,
};

} // namespace

Status Events::create(Command &command)
{
	const Bytes context = tail(command.in, eq::at);
	auto buffer = memory_.buffer(command.in, buffer_fields);
	const auto log_size = static_cast<unsigned>(get(context, eq::log_size));
	if (!buffer)
		return Status::bad_resource;
	if (log_size > 22)
		return Status::bad_parameter;
	Queue queue{*buffer, log_size, static_cast<unsigned>(get(context, eq::vector)), {}};
	for (unsigned i = 0; i < queue.mask.size(); i++)
		queue.mask[i] = get(tail(command.in, eq::mask_at), {64 * i, 64});
	uint32_t number;
	if (!queues_.add(std::move(queue), &number))
		return Status::limit;
	set(command.out, command::eq_number, number);
	return Status::ok;
}

Status Events::query(Command &command)
{
	const Queue *queue = queues_.find(static_cast<uint32_t>(get(command.in, command::eq_number)));
	if (!queue)
		return Status::bad_resource;
	const MutableBytes context = tail(command.out, eq::at);
	set(context, eq::log_size, queue->log_size);
	set(context, eq::vector, queue->vector);
	return Status::ok;
}

std::optional<Status> Events::execute(Command &command)
{
	switch (command.opcode()) {
	case op_create_eq:
		return create(command);
	case op_destroy_eq:
		return queues_.remove(static_cast<uint32_t>(get(command.in, command::eq_number))) ? Status::ok
												  : Status::bad_resource;
	case op_query_eq:
		return query(command);
	}
	return std::nullopt;
}

void Events::write(Queue &queue, eq::Event type, unsigned subtype, const EventData &data)
{
	const uint32_t at = queue.producer & ((1u << queue.log_size) - 1);
	uint8_t *entry = queue.buffer.find(bus_, uint64_t(at) * eq::entry_size, eq::entry_size);
	if (!entry)
		return;
	std::fill(entry, entry + eq::entry_size - 1, 0);
	entry[1] = static_cast<uint8_t>(type);
	entry[3] = static_cast<uint8_t>(subtype);
	std::ranges::copy(data, entry + eq::data_at);
	/* The owner bit last: it says that the rest is there. */
	std::atomic_ref<uint8_t>(entry[eq::entry_size - 1])
		.store(static_cast<uint8_t>(queue.producer >> queue.log_size & 1), std::memory_order_release);
	queue.producer++;
	bus_.msix(queue.vector);
}

void Events::post(uint32_t number, eq::Event type, const EventData &data)
{
	if (Queue *queue = queues_.find(number))
		write(*queue, type, 0, data);
}

void Events::broadcast(eq::Event type, unsigned subtype, const EventData &data)
{
	const auto bit = static_cast<unsigned>(type);
	for (auto &[number, queue] : queues_)
		if (queue.mask[bit / 64] >> (bit % 64) & 1)
			write(queue, type, subtype, data);
}

} // namespace decouple::hca
