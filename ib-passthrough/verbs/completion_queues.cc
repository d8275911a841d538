// SPDX-License-Identifier: GPL-2.0-only
// Completion channels and queues.

#include <bit>

#include "verbs/context.h"

namespace decouple::verbs
{

using namespace hca;

Result<> Context::create_channel(const Call &call)
{
	call.answer(ib_uverbs_create_comp_channel_resp{.fd = static_cast<uint32_t>(TRY(router_.create_channel()))});
	return {};
}

Result<> Context::create_completion_queue(const Call &call)
{
	const auto asked = call.read<ib_uverbs_create_cq>();
	const auto driver = call.driver<ib_uverbs_create_cq, mlx5_ib_create_cq>();
	/* One more than asked for: full and empty differ. The program has done the same sum. */
	const uint32_t entries = std::bit_ceil(asked.cqe + 1);
	if (!asked.cqe || asked.cqe >= 1 << 22 || (driver.cqe_size != 64 && driver.cqe_size != 128) || driver.cqe_comp_en ||
	    driver.flags)
		return fail(EINVAL, "a completion queue of this form");
	CompletionQueue queue = {};
	queue.buffer = TRY(queue_buffer(driver.buf_addr, size_t(entries) * driver.cqe_size));
	queue.record = TRY(doorbell_record(driver.db_addr));
	Request request(op_create_cq, command::pas_at + 8 * queue.buffer.pages());
	request.put(cq::entry_128.at(cq::at), driver.cqe_size == 128);
	request.put(cq::log_size.at(cq::at), static_cast<unsigned>(std::countr_zero(entries)));
	request.put(cq::uar_page.at(cq::at), uars_.empty() ? 0 : uars_.front());
	request.put(cq::eq_number.at(cq::at), function_.event_queue());
	request.put(cq::dbr_address.at(cq::at), queue.record.address());
	put_pages(request, queue.buffer, command::pas_at);
	TRY(function_.run(request));
	queue.number = request.number();
	if (auto added = router_.add(Kind::completion_queue, queue.number, asked.user_handle, async_file_, asked.comp_channel);
	    !added) {
		function_.run(op_destroy_cq, queue.number);
		return added;
	}
	const mlx5_ib_create_cq_resp number = {.cqn = queue.number, .reserved = 0};
	ib_uverbs_create_cq_resp answer = {};
	answer.cq_handle = completion_queues_.add(std::move(queue));
	answer.cqe = asked.cqe;
	call.answer(answer, number);
	return {};
}

Result<> Context::destroy_completion_queue(const Call &call)
{
	const auto handle = call.read<ib_uverbs_destroy_cq>().cq_handle;
	const CompletionQueue *queue = TRY(completion_queues_.find(handle));
	TRY(function_.run(op_destroy_cq, queue->number));
	const Reported reported = router_.remove(Kind::completion_queue, queue->number);
	completion_queues_.remove(handle);
	call.answer(ib_uverbs_destroy_cq_resp{.comp_events_reported = reported.completions,
					      .async_events_reported = reported.others});
	return {};
}

} // namespace decouple::verbs
