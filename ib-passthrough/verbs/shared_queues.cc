// SPDX-License-Identifier: GPL-2.0-only
// Shared receive queues.

#include <bit>

#include "verbs/context.h"

namespace decouple::verbs
{
namespace
{

using namespace hca;

enum { attribute_size = 1, attribute_limit = 2 };

} // namespace

Result<> Context::create_shared_queue(const Call &call)
{
	const auto asked = call.read<ib_uverbs_create_srq>();
	const auto driver = call.driver<ib_uverbs_create_srq, mlx5_ib_create_srq>();
	const Domain *domain = TRY(domains_.find(asked.pd_handle));
	if (driver.flags || !asked.max_wr || asked.max_wr >= 1 << 15 || asked.max_sge > 31)
		return fail(EINVAL, "a shared receive queue of this form");
	/* The program has done the same sums: one entry more, a segment with the link, both rounded up to powers of two. */
	const uint32_t entries = std::bit_ceil(asked.max_wr + 1);
	const auto stride = std::bit_ceil(std::max(32u, 16 + 16 * asked.max_sge));
	SharedQueue queue = {};
	queue.buffer = TRY(queue_buffer(driver.buf_addr, size_t(entries) * stride));
	queue.record = TRY(doorbell_record(driver.db_addr));
	queue.entries = entries - 1;
	queue.segments = (stride - 16) / 16;
	Request request(op_create_rmp, rmp::pas_at + 8 * queue.buffer.pages());
	request.put(rmp::state.at(rmp::at), rmp::ready);
	request.put(rmp::wq_type.at(rmp::wq_at), rmp::linked_list);
	request.put(rmp::pd.at(rmp::wq_at), domain->number);
	request.put(rmp::dbr_address.at(rmp::wq_at), queue.record.address());
	request.put(rmp::log_stride.at(rmp::wq_at), static_cast<unsigned>(std::countr_zero(stride)));
	request.put(rmp::log_size.at(rmp::wq_at), static_cast<unsigned>(std::countr_zero(entries)));
	put_pages(request, queue.buffer, rmp::pas_at);
	TRY(function_.run(request));
	queue.number = request.number();
	TRY(router_.add(Kind::shared_queue, queue.number, asked.user_handle, async_file_));
	const mlx5_ib_create_srq_resp number = {.srqn = queue.number, .reserved = 0};
	ib_uverbs_create_srq_resp answer = {};
	answer.max_wr = queue.entries;
	answer.max_sge = queue.segments;
	answer.srq_handle = shared_queues_.add(std::move(queue));
	call.answer(answer, number);
	return {};
}

Result<> Context::modify_shared_queue(const Call &call)
{
	const auto asked = call.read<ib_uverbs_modify_srq>();
	SharedQueue *queue = TRY(shared_queues_.find(asked.srq_handle));
	if (asked.attr_mask & attribute_size)
		return fail(EINVAL, "resizing a shared receive queue");
	if (!(asked.attr_mask & attribute_limit))
		return {};
	Request request(op_modify_rmp, rmp::pas_at);
	request.put(command::number, queue->number);
	request.put(rmp::modify_mask, rmp::modify_limit);
	request.put(rmp::limit.at(rmp::wq_at), asked.srq_limit);
	TRY(function_.run(request));
	return {};
}

Result<> Context::query_shared_queue(const Call &call)
{
	const SharedQueue *queue = TRY(shared_queues_.find(call.read<ib_uverbs_query_srq>().srq_handle));
	Request request(op_query_rmp, 16, rmp::pas_at);
	request.put(command::number, queue->number);
	TRY(function_.run(request));
	ib_uverbs_query_srq_resp answer = {};
	answer.max_wr = queue->entries;
	answer.max_sge = queue->segments;
	answer.srq_limit = request.answer(rmp::limit.at(rmp::wq_at));
	call.answer(answer);
	return {};
}

Result<> Context::destroy_shared_queue(const Call &call)
{
	const auto handle = call.read<ib_uverbs_destroy_srq>().srq_handle;
	const SharedQueue *queue = TRY(shared_queues_.find(handle));
	TRY(function_.run(op_destroy_rmp, queue->number));
	const Reported reported = router_.remove(Kind::shared_queue, queue->number);
	shared_queues_.remove(handle);
	call.answer(ib_uverbs_destroy_srq_resp{.events_reported = reported.others});
	return {};
}

} // namespace decouple::verbs
