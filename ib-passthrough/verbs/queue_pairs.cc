// SPDX-License-Identifier: GPL-2.0-only
// Making, asking and destroying queue pairs; modify_pair.cc has their states.

#include <bit>

#include "verbs/context.h"

namespace decouple::verbs
{
namespace
{

using namespace hca;

enum { type_rc = 2, type_uc = 3, type_ud = 4 }; /* enum ib_qp_type */

Result<qp::Service> service_of(uint8_t type)
{
	switch (type) {
	case type_rc:
		return qp::Service::rc;
	case type_uc:
		return qp::Service::uc;
	case type_ud:
		return qp::Service::ud;
	}
	return fail(EOPNOTSUPP, "queue pair of type " + std::to_string(type));
}

} // namespace

Result<> Context::create_pair(const Call &call)
{
	const auto asked = call.read<ib_uverbs_create_qp>();
	const auto driver = call.driver<ib_uverbs_create_qp, mlx5_ib_create_qp>();
	const auto service = TRY(service_of(asked.qp_type));
	const Domain *domain = TRY(domains_.find(asked.pd_handle));
	const CompletionQueue *send = TRY(completion_queues_.find(asked.send_cq_handle));
	const CompletionQueue *receive = TRY(completion_queues_.find(asked.recv_cq_handle));
	const uint32_t most = 1 << 15;
	if (driver.sq_wqe_count > most || driver.rq_wqe_count > most ||
	    (driver.rq_wqe_count && (driver.rq_wqe_shift < 4 || driver.rq_wqe_shift > 11)))
		return fail(EINVAL, "a queue pair of this size");
	const size_t receive_len = size_t(driver.rq_wqe_count) << driver.rq_wqe_shift,
		     send_len = size_t(driver.sq_wqe_count) * wqe::block;
	Pair pair = {};
	pair.signal_all = asked.sq_sig_all;
	pair.sends = asked.max_send_wr;
	pair.receives = asked.max_recv_wr;
	pair.send_segments = asked.max_send_sge;
	pair.receive_segments = asked.max_recv_sge;
	pair.inline_data = asked.max_inline_data;
	pair.record = TRY(doorbell_record(driver.db_addr));
	if (receive_len + send_len)
		pair.buffer = TRY(queue_buffer(driver.buf_addr, receive_len + send_len));
	Request request(op_create_qp, command::pas_at + 8 * pair.buffer.pages());
	const auto put = [&request](Field field, uint64_t value) { request.put(field.at(qp::at), value); };
	put(qp::service, static_cast<unsigned>(service));
	put(qp::pm_state, 3 /* migrated */);
	put(qp::pd, domain->number);
	put(qp::uar_page, uars_.empty() ? 0 : uars_.front());
	put(qp::user_index, driver.uidx);
	put(qp::send_cq, send->number);
	put(qp::receive_cq, receive->number);
	put(qp::dbr_address, pair.record.address());
	put(qp::no_sq, !driver.sq_wqe_count);
	if (driver.sq_wqe_count)
		put(qp::log_sq_size, static_cast<unsigned>(std::countr_zero(driver.sq_wqe_count)));
	if (asked.is_srq) {
		put(qp::rq_type, qp::rq_shared);
		put(qp::srq, TRY(shared_queues_.find(asked.srq_handle))->number);
	} else if (driver.rq_wqe_count) {
		put(qp::log_rq_size, static_cast<unsigned>(std::countr_zero(driver.rq_wqe_count)));
		put(qp::log_rq_stride, driver.rq_wqe_shift - 4);
	} else {
		put(qp::rq_type, qp::rq_none);
	}
	put_pages(request, pair.buffer, command::pas_at);
	TRY(function_.run(request));
	pair.number = request.number();
	TRY(router_.add(Kind::queue_pair, pair.number, asked.user_handle, async_file_));
	ib_uverbs_create_qp_resp answer = {};
	answer.qpn = pair.number;
	answer.max_send_wr = asked.max_send_wr;
	answer.max_recv_wr = asked.max_recv_wr;
	answer.max_send_sge = asked.max_send_sge;
	answer.max_recv_sge = asked.max_recv_sge;
	answer.max_inline_data = asked.max_inline_data;
	answer.qp_handle = pairs_.add(std::move(pair));
	call.answer(answer, mlx5_ib_create_qp_resp{});
	return {};
}

Result<> Context::query_pair(const Call &call)
{
	const Pair *pair = TRY(pairs_.find(call.read<ib_uverbs_query_qp>().qp_handle));
	Request request(op_query_qp, 16, qp::at + qp::size);
	request.put(command::number, pair->number);
	TRY(function_.run(request));
	const auto get = [&request](Field field) { return request.answer(field.at(qp::at)); };
	const auto in_path = [&request](Field field) { return request.answer(field.at(qp::at + qp::path_at)); };
	ib_uverbs_query_qp_resp answer = {};
	/* The device may have taken it to the error state meanwhile; its other states are verbs' own. */
	const auto state = static_cast<uint8_t>(get(qp::state));
	answer.qp_state = answer.cur_qp_state = state;
	answer.dest.dlid = static_cast<uint16_t>(in_path(path::lid));
	answer.dest.sl = static_cast<uint8_t>(in_path(path::service_level));
	answer.dest.port_num = answer.port_num = static_cast<uint8_t>(in_path(path::port));
	answer.timeout = static_cast<uint8_t>(in_path(path::ack_timeout));
	answer.path_mtu = static_cast<uint8_t>(get(qp::mtu));
	answer.qkey = get(qp::q_key);
	answer.rq_psn = get(qp::receive_psn);
	answer.sq_psn = get(qp::send_psn);
	answer.dest_qp_num = get(qp::remote_qp);
	answer.qp_access_flags = get(qp::remote_write) << 1 | get(qp::remote_read) << 2 | get(qp::remote_atomic) << 3;
	answer.min_rnr_timer = static_cast<uint8_t>(get(qp::min_rnr_timer));
	answer.retry_cnt = static_cast<uint8_t>(get(qp::retry_count));
	answer.rnr_retry = static_cast<uint8_t>(get(qp::rnr_retry));
	answer.max_rd_atomic = static_cast<uint8_t>(1 << get(qp::log_requests));
	answer.max_dest_rd_atomic = static_cast<uint8_t>(1 << get(qp::log_responses));
	answer.max_send_wr = pair->sends;
	answer.max_recv_wr = pair->receives;
	answer.max_send_sge = pair->send_segments;
	answer.max_recv_sge = pair->receive_segments;
	answer.max_inline_data = pair->inline_data;
	answer.sq_sig_all = pair->signal_all;
	call.answer(answer);
	return {};
}

Result<> Context::destroy_pair(const Call &call)
{
	const auto handle = call.read<ib_uverbs_destroy_qp>().qp_handle;
	const Pair *pair = TRY(pairs_.find(handle));
	TRY(function_.run(op_destroy_qp, pair->number));
	const Reported reported = router_.remove(Kind::queue_pair, pair->number);
	pairs_.remove(handle);
	call.answer(ib_uverbs_destroy_qp_resp{.events_reported = reported.others});
	return {};
}

} // namespace decouple::verbs
