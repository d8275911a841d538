// SPDX-License-Identifier: GPL-2.0-only
// Queue pairs and their states.

#include "hca-model/queue_pair.h"

#include <algorithm>
#include <span>

#include "prm/opcode.h"

namespace decouple::hca
{
namespace
{

constexpr BufferFields buffer_fields = {
	.umem_valid = qp::umem_valid,
	.umem_id = qp::umem_id,
	.umem_offset = qp::umem_offset,
	.page_offset = qp::page_offset,
	.log_page_size = qp::log_page_size,
	.context_at = qp::at,
	.pas_at = command::pas_at,
};

constexpr RecordFields record_fields = {qp::dbr_umem_valid, qp::dbr_umem, qp::dbr_address};

/*
 *	reset -RST2INIT-> init -INIT2RTR-> rtr -RTR2RTS-> rts		INIT2INIT and RTS2RTS stay
 *	any -2ERR-> error, any -2RST-> reset; the device itself takes a pair to error
 */
struct Transition {
	unsigned opcode;
	qp::State from, to;
};

constexpr Transition transitions[] = {
	{op_rst2init_qp, qp::State::reset, qp::State::init}, {op_init2init_qp, qp::State::init, qp::State::init},
	{op_init2rtr_qp, qp::State::init, qp::State::rtr},   {op_rtr2rts_qp, qp::State::rtr, qp::State::rts},
	{op_rts2rts_qp, qp::State::rts, qp::State::rts},
};

/* A field that a command sets: always, or if its bit is in the mask of optional parameters. */
struct Parameter {
	unsigned opcode;
	Field field;
	unsigned option;
};

constexpr Field in_path(Field field)
{
	return field.at(qp::path_at);
}

constexpr Parameter parameters[] = {
	{op_rst2init_qp, qp::pm_state, 0},
	{op_rst2init_qp, qp::remote_read, 0},
	{op_rst2init_qp, qp::remote_write, 0},
	{op_rst2init_qp, qp::remote_atomic, 0},
	{op_rst2init_qp, qp::q_key, 0},
	{op_rst2init_qp, in_path(path::pkey_index), 0},
	{op_rst2init_qp, in_path(path::port), 0},
	{op_init2rtr_qp, qp::mtu, 0},
	{op_init2rtr_qp, qp::log_message_max, 0},
	{op_init2rtr_qp, qp::remote_qp, 0},
	{op_init2rtr_qp, qp::receive_psn, 0},
	{op_init2rtr_qp, qp::min_rnr_timer, 0},
	{op_init2rtr_qp, qp::log_responses, 0},
	{op_rtr2rts_qp, qp::send_psn, 0},
	{op_rtr2rts_qp, qp::retry_count, 0},
	{op_rtr2rts_qp, qp::rnr_retry, 0},
	{op_rtr2rts_qp, qp::log_requests, 0},
	{op_rtr2rts_qp, in_path(path::ack_timeout), 0},
	/* Whichever command it is. */
	{0, qp::remote_read, qp::opt_read},
	{0, qp::remote_write, qp::opt_write},
	{0, qp::remote_atomic, qp::opt_atomic},
	{0, qp::q_key, qp::opt_q_key},
	{0, qp::min_rnr_timer, qp::opt_rnr_timer},
	{0, qp::retry_count, qp::opt_retry_count},
	{0, qp::rnr_retry, qp::opt_rnr_retry},
	{0, qp::log_requests, qp::opt_requests},
	{0, qp::log_responses, qp::opt_responses},
	{0, in_path(path::pkey_index), qp::opt_pkey},
	{0, in_path(path::ack_timeout), qp::opt_ack_timeout},
};

} // namespace

Status QueuePairs::create(Command &command)
{
	const Bytes context = tail(command.in, qp::at);
	QueuePair pair;
	std::ranges::copy(context.first(std::min<size_t>(context.size(), qp::size)), pair.context.begin());
	set(pair.context, qp::state, 0);
	pair.service = static_cast<qp::Service>(pair.value(qp::service));
	if (pair.service > qp::Service::ud)
		return Status::bad_parameter;
	if (!around_.completions.exists(pair.value(qp::send_cq)) || !around_.completions.exists(pair.value(qp::receive_cq)) ||
	    !around_.memory.has_pd(pair.pd()))
		return Status::bad_resource;
	const auto rq_type = pair.value(qp::rq_type);
	pair.shares_receive = rq_type == qp::rq_shared;
	pair.has_receive = rq_type == qp::rq_regular;
	pair.has_send = !pair.value(qp::no_sq);
	if (pair.shares_receive && !around_.shared.exists(pair.value(qp::srq)))
		return Status::bad_resource;
	auto buffer = around_.memory.buffer(command.in, buffer_fields);
	auto record = around_.memory.record(context, record_fields);
	if (!record || (!buffer && (pair.has_send || pair.has_receive)))
		return Status::bad_resource;
	if (!record->find(around_.bus, 0, 8))
		return Status::bad_parameter;
	pair.buffer = buffer.value_or(Buffer{});
	pair.record = *record;
	if (pair.has_receive) {
		const unsigned log_stride = 4 + pair.value(qp::log_rq_stride);
		pair.receive = ReceiveQueue(pair.buffer, pair.record, pair.value(qp::log_rq_size), log_stride, false);
		pair.send_at = 1ull << (pair.value(qp::log_rq_size) + log_stride);
	}
	uint32_t number;
	QueuePair *added = pairs_.add(std::move(pair), &number);
	if (!added)
		return Status::limit;
	added->number = number;
	command.answer_number(number);
	return Status::ok;
}

Status QueuePairs::modify(Command &command, QueuePair &pair)
{
	const auto found = std::ranges::find(transitions, command.opcode(), &Transition::opcode);
	if (pair.state != found->from)
		return Status::bad_qp_state;
	const Bytes context = tail(command.in, qp::at);
	const auto options = get(command.in, qp::opt_mask);
	for (const Parameter &parameter : parameters)
		if (parameter.option ? options & parameter.option : parameter.opcode == command.opcode())
			set(pair.context, parameter.field, get(context, parameter.field));
	if (command.opcode() == op_init2rtr_qp || options & qp::opt_path) {
		/* The port was said before, the timeout comes later. */
		const auto port = pair.path(path::port), timeout = pair.path(path::ack_timeout),
			   pkey = pair.path(path::pkey_index);
		const Bytes from = tail(context, qp::path_at);
		std::ranges::copy(from.first(std::min<size_t>(from.size(), path::size)), &pair.context[qp::path_at]);
		set(pair.context, in_path(path::port), port);
		set(pair.context, in_path(path::ack_timeout), timeout);
		set(pair.context, in_path(path::pkey_index), pkey);
	}
	pair.state = found->to;
	return Status::ok;
}

Status QueuePairs::query(Command &command, const QueuePair &pair)
{
	const MutableBytes context = tail(command.out, qp::at);
	std::ranges::copy(Bytes(pair.context).first(std::min<size_t>(context.size(), qp::size)), context.begin());
	set(context, qp::state, static_cast<unsigned>(pair.state));
	return Status::ok;
}

std::optional<Status> QueuePairs::execute(Command &command)
{
	const unsigned opcode = command.opcode();
	if (opcode == op_create_qp)
		return create(command);
	const bool modifies = std::ranges::find(transitions, opcode, &Transition::opcode) != std::end(transitions);
	if (!modifies && opcode != op_destroy_qp && opcode != op_2err_qp && opcode != op_2rst_qp && opcode != op_query_qp)
		return std::nullopt;
	QueuePair *pair = pairs_.find(command.number());
	if (!pair)
		return Status::bad_resource;
	switch (opcode) {
	case op_destroy_qp:
		pairs_.remove(command.number());
		return Status::ok;
	case op_query_qp:
		return query(command, *pair);
	case op_2err_qp:
		pair->state = qp::State::error;
		return Status::ok;
	case op_2rst_qp:
		pair->state = qp::State::reset;
		pair->sent = 0;
		pair->receive.reset();
		pair->pending.reset();
		pair->last_atomic_psn = ~0u;
		return Status::ok;
	}
	return modify(command, *pair);
}

} // namespace decouple::hca
