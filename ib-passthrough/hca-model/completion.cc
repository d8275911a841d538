// SPDX-License-Identifier: GPL-2.0-only
// Completion queues.

#include "hca-model/completion.h"

#include <immintrin.h>

#include <algorithm>
#include <atomic>

#include "prm/opcode.h"

namespace decouple::hca
{
namespace
{

constexpr BufferFields buffer_fields = {
	.umem_valid = cq::umem_valid,
	.umem_id = cq::umem_id,
	.umem_offset = cq::umem_offset,
	.page_offset = cq::page_offset,
	.log_page_size = cq::log_page_size,
	.context_at = cq::at,
	.pas_at = command::pas_at,
};

constexpr RecordFields record_fields = {cq::dbr_umem_valid, cq::dbr_umem, cq::dbr_address};

/* The doorbell record: consumer index, then the arming: sequence number, command, consumer index. */
constexpr unsigned record_size = 8, record_arm = 4;
constexpr uint32_t index_mask = 0xffffff, arm_solicited = 1 << 24;

/* Is index `a` behind `b`, in 24 bits? */
bool behind(uint32_t a, uint32_t b)
{
	const uint32_t distance = (a - b) & index_mask;
	return distance && distance < (index_mask + 1) / 2;
}

__attribute__((target("avx512f"))) void store_whole(uint8_t *to, const uint8_t *from)
{
	_mm512_store_si512(to, _mm512_loadu_si512(from));
}

/*
 * Hardware writes an entry at once, and readers count on it: an entry that holds something but has no opcode yet looks like a
 * completion to those who look for the first lap's. Without a store of 64 bytes, an invalid opcode stands there meanwhile.
 */
void store_entry(uint8_t *to, const uint8_t *from)
{
	if (__builtin_cpu_supports("avx512f") && reinterpret_cast<uintptr_t>(to) % cqe::size == 0) {
		store_whole(to, from);
		return;
	}
	std::atomic_ref<uint8_t> owner(to[cqe::owner_at]);
	owner.store(static_cast<uint8_t>(static_cast<unsigned>(cqe::Kind::invalid) << 4 | (~from[cqe::owner_at] & 1)));
	std::copy(from, from + cqe::owner_at, to);
	owner.store(from[cqe::owner_at], std::memory_order_release);
}

} // namespace

Status Completions::create(Command &command)
{
	const Bytes context = tail(command.in, cq::at);
	const auto log_size = static_cast<unsigned>(get(context, cq::log_size));
	const auto event_queue = static_cast<uint32_t>(get(context, cq::eq_number));
	auto buffer = memory_.buffer(command.in, buffer_fields);
	auto record = memory_.record(context, record_fields);
	if (!events_.exists(event_queue) || !buffer || !record)
		return Status::bad_resource;
	if (log_size > 22 || !record->find(bus_, 0, record_size))
		return Status::bad_parameter;
	Queue queue = {};
	queue.buffer = *buffer;
	queue.record = *record;
	queue.log_size = log_size;
	queue.entry_size = get(context, cq::entry_128) == 1 ? 128 : 64;
	queue.event_queue = event_queue;
	queue.ignore_overrun = get(context, cq::ignore_overrun);
	return add_to(queues_, std::move(queue), command);
}

Status Completions::query(Command &command)
{
	const Queue *queue = queues_.find(command.number());
	if (!queue)
		return Status::bad_resource;
	const MutableBytes context = tail(command.out, cq::at);
	set(context, cq::log_size, queue->log_size);
	set(context, cq::eq_number, queue->event_queue);
	set(context, cq::producer, queue->producer & index_mask);
	return Status::ok;
}

std::optional<Status> Completions::execute(Command &command)
{
	switch (command.opcode()) {
	case op_create_cq:
		return create(command);
	case op_destroy_cq:
		return remove_from(queues_, command);
	case op_query_cq:
		return query(command);
	}
	return std::nullopt;
}

void Completions::post(uint32_t number, const Completion &completion)
{
	Queue *queue = queues_.find(number);
	uint8_t *record = queue ? queue->record.find(bus_, 0, record_size) : nullptr;
	if (!record || queue->overrun)
		return;
	const uint32_t size = 1u << queue->log_size, slot = queue->producer & (size - 1);
	uint8_t *entry =
		queue->buffer.find(bus_, uint64_t(slot) * queue->entry_size + queue->entry_size - cqe::size, cqe::size);
	if (!entry)
		return;
	if (!queue->ignore_overrun && ((queue->producer - load32(record)) & index_mask) >= size) {
		queue->overrun = true;
		EventData data = {};
		set(data, eq::failed_cq, number);
		set(data, eq::cq_error_syndrome, 1);
		events_.broadcast(eq::Event::cq_error, 0, data);
		return;
	}
	auto bytes = completion.bytes;
	bytes[cqe::owner_at] = static_cast<uint8_t>(static_cast<unsigned>(completion.kind) << 4 | completion.solicited << 1 |
						    (queue->producer >> queue->log_size & 1));
	store_entry(entry, bytes.data());
	queue->producer++;
	if (completion.solicited || completion.kind == cqe::Kind::request_error || completion.kind == cqe::Kind::response_error)
		queue->last_solicited = queue->producer;
}

/*
 * A word of the BAR that is polled loses all but the last of several stores: it tells that some queue of that page was armed, not
 * which. The doorbell records know.
 */
bool Completions::take_doorbells()
{
	bool any = false;
	for (uint32_t page : memory_.uars()) {
		const size_t at = size_t(page) * uar::page_size + uar::cq_arm;
		if (at + 8 > bar_.size())
			continue;
		std::atomic_ref<uint64_t> word(*reinterpret_cast<uint64_t *>(&bar_[at]));
		if (word.load(std::memory_order_acquire)) {
			word.store(0);
			any = true;
		}
	}
	if (any)
		for (auto &[number, queue] : queues_)
			queue.rung = true;
	return any;
}

bool Completions::fire(uint32_t number, Queue &queue)
{
	uint8_t *record = queue.record.find(bus_, record_arm, 4);
	if (!record)
		return false;
	const uint32_t armed = be32toh(std::atomic_ref<uint32_t>(*reinterpret_cast<uint32_t *>(record)).load());
	if (queue.fired ? *queue.fired == armed : !armed && !queue.rung)
		return false;
	const uint32_t reached = armed & arm_solicited ? queue.last_solicited : queue.producer;
	if (!behind(reached, armed) || !behind(reached, queue.last_notified))
		return false;
	queue.fired = armed;
	queue.last_notified = queue.producer;
	EventData data = {};
	set(data, eq::cq_number, number);
	events_.post(queue.event_queue, eq::Event::completion, data);
	return true;
}

bool Completions::step()
{
	bool busy = take_doorbells();
	for (auto &[number, queue] : queues_)
		busy |= fire(number, queue);
	return busy;
}

} // namespace decouple::hca
