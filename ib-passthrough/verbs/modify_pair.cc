// SPDX-License-Identifier: GPL-2.0-only
// States of queue pairs.

#include <bit>

#include "verbs/context.h"

namespace decouple::verbs
{
namespace
{

using namespace hca;

enum : uint8_t { reset = 0, init = 1, rtr = 2, rts = 3, error = 6 }; /* enum ib_qp_state */

/* enum ib_qp_attr_mask */
enum {
	has_state = 1 << 0,
	has_current = 1 << 1,
	has_access = 1 << 3,
	has_pkey = 1 << 4,
	has_port = 1 << 5,
	has_q_key = 1 << 6,
	has_address = 1 << 7,
	has_mtu = 1 << 8,
	has_timeout = 1 << 9,
	has_retry_count = 1 << 10,
	has_rnr_retry = 1 << 11,
	has_receive_psn = 1 << 12,
	has_requests = 1 << 13,
	has_rnr_timer = 1 << 15,
	has_send_psn = 1 << 16,
	has_responses = 1 << 17,
	has_target = 1 << 20,
};

struct Step {
	uint8_t from, to;
	Opcode opcode;
};

constexpr Step steps[] = {
	{reset, init, op_rst2init_qp}, {init, init, op_init2init_qp}, {init, rtr, op_init2rtr_qp},
	{rtr, rts, op_rtr2rts_qp},     {rts, rts, op_rts2rts_qp},
};

Result<Opcode> opcode_for(uint8_t from, uint8_t to)
{
	if (to == reset)
		return op_2rst_qp;
	if (to == error)
		return op_2err_qp;
	for (const Step &step : steps)
		if (step.from == from && step.to == to)
			return step.opcode;
	return fail(EINVAL, "no way from this state of a queue pair to that");
}

/* Attributes are small, so that they are all handled as 32 bits. */
struct Attribute {
	uint32_t mask;
	Field field; /* of the context */
	uint32_t value;
	unsigned option; /* bit of the command's own mask, for states where the attribute may be there or not */
};

constexpr Field in_path(Field field)
{
	return field.at(qp::path_at);
}

uint32_t log_of(uint8_t count)
{
	return count ? static_cast<uint32_t>(std::bit_width(count)) - 1 : 0;
}

unsigned put_attributes(Request &request, const ib_uverbs_modify_qp &asked)
{
	enum { remote_write = 1 << 1, remote_read = 1 << 2, remote_atomic = 1 << 3 };
	const Attribute attributes[] = {
		{has_access, qp::remote_write, (asked.qp_access_flags & remote_write) != 0, qp::opt_write},
		{has_access, qp::remote_read, (asked.qp_access_flags & remote_read) != 0, qp::opt_read},
		{has_access, qp::remote_atomic, (asked.qp_access_flags & remote_atomic) != 0, qp::opt_atomic},
		{has_pkey, in_path(path::pkey_index), asked.pkey_index, qp::opt_pkey},
		{has_port, in_path(path::port), asked.port_num, 0},
		{has_q_key, qp::q_key, asked.qkey, qp::opt_q_key},
		{has_address, in_path(path::lid), asked.dest.dlid, qp::opt_path},
		{has_address, in_path(path::service_level), asked.dest.sl, qp::opt_path},
		{has_address, in_path(path::rate), asked.dest.static_rate, qp::opt_path},
		{has_mtu, qp::mtu, asked.path_mtu, 0},
		{has_timeout, in_path(path::ack_timeout), asked.timeout, qp::opt_ack_timeout},
		{has_retry_count, qp::retry_count, asked.retry_cnt, qp::opt_retry_count},
		{has_rnr_retry, qp::rnr_retry, asked.rnr_retry, qp::opt_rnr_retry},
		{has_receive_psn, qp::receive_psn, asked.rq_psn, 0},
		{has_requests, qp::log_requests, log_of(asked.max_rd_atomic), qp::opt_requests},
		{has_rnr_timer, qp::min_rnr_timer, asked.min_rnr_timer, qp::opt_rnr_timer},
		{has_send_psn, qp::send_psn, asked.sq_psn, 0},
		{has_responses, qp::log_responses, log_of(asked.max_dest_rd_atomic), qp::opt_responses},
		{has_target, qp::remote_qp, asked.dest_qp_num, 0},
	};
	unsigned options = 0;
	for (const Attribute &attribute : attributes)
		if (asked.attr_mask & attribute.mask) {
			request.put(attribute.field.at(qp::at), attribute.value);
			options |= attribute.option;
		}
	return options;
}

} // namespace

Result<> Context::modify_pair(const Call &call)
{
	const auto asked = call.read<ib_uverbs_modify_qp>();
	Pair *pair = TRY(pairs_.find(asked.qp_handle));
	const auto from = asked.attr_mask & has_current ? asked.cur_qp_state : pair->state;
	const auto to = asked.attr_mask & has_state ? asked.qp_state : from;
	const Opcode opcode = TRY(opcode_for(from, to));
	if (asked.attr_mask & has_address && asked.dest.is_global)
		return fail(EOPNOTSUPP, "global routing");
	if (to == reset && from == reset)
		return {};
	Request request(opcode, qp::at + qp::size + 16);
	request.put(command::number, pair->number);
	request.put(qp::opt_mask, put_attributes(request, asked));
	TRY(function_.run(request));
	pair->state = to;
	return {};
}

} // namespace decouple::verbs
