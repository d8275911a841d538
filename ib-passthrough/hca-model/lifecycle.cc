// SPDX-License-Identifier: GPL-2.0-only
// Capabilities, pages, the steps of starting and stopping.

#include "hca-model/lifecycle.h"

#include <algorithm>

#include "prm/opcode.h"

namespace decouple::hca
{
namespace
{

/* Groups of capabilities, bits 15:1 of op_mod; bit 0: current values instead of the greatest ones. */
enum { group_general = 0, group_atomic = 3 };
enum { pages_boot = 1, pages_init = 2 };
enum { manage_no_pages = 0, manage_give = 1, manage_take = 2 };

/* Pages that the firmware asks for: few, so that tests are quick. Hardware wants thousands. */
constexpr unsigned boot_pages = 40, init_pages = 600;

} // namespace

Lifecycle::Lifecycle(Bus &bus) : bus_(bus)
{
	reset();
}

void Lifecycle::reset()
{
	using namespace capability;
	const struct {
		Field field;
		uint64_t value;
	} values[] = {
		{vhca_id, 7},
		{log_max_srq_size, 15},
		{log_max_qp_size, 15},
		{log_max_qp, 18},
		{log_max_srq, 18},
		{log_max_cq_size, 22},
		{log_max_cq, 18},
		{log_max_eq_size, 22},
		{log_max_mkey, 24},
		{fast_teardown, 1},
		{log_max_eq, 7},
		{log_max_requests, 4},
		{log_max_responses, 4},
		{gid_table_size, 0},
		{pkey_table_size, 0},
		{local_ack_delay, 16},
		{port_type, 0 /* IB */},
		{num_ports, 1},
		{log_max_message, 30},
		{cqe_version, 1},
		{ud, 1},
		{uc, 1},
		{rc, 1},
		{uar_4k, 1},
		{umem_uid_0, 1},
		{log_max_pd, 24},
		{atomic, 1},
	};
	general_.fill(0);
	for (const auto &value : values)
		set(general_, value.field, value.value);
	atomic_.fill(0);
	set(atomic_, atomic_operations, 3); /* compare and swap, fetch and add */
	set(atomic_, atomic_sizes, 8);
	pages_.clear();
	enabled_ = false;
}

Status Lifecycle::query_capabilities(Command &command) const
{
	Bytes from;
	switch (command.op_mod() >> 1) {
	case group_general:
		from = general_;
		break;
	case group_atomic:
		from = atomic_;
		break;
	default:
		break; /* a group that the function has none of: all zero */
	}
	MutableBytes to = tail(command.out, command::header);
	std::ranges::copy(from.first(std::min(from.size(), to.size())), to.begin());
	return Status::ok;
}

Status Lifecycle::manage_pages(Command &command)
{
	const size_t count = get(command.in, pages::count);
	switch (command.op_mod()) {
	case manage_no_pages:
		return Status::ok;
	case manage_give: {
		const Bytes list = tail(command.in, command::header);
		if (count > list.size() / 8)
			return Status::bad_input_length;
		for (size_t i = 0; i < count; i++)
			if (!bus_.dma(get(list.subspan(8 * i), {0, 64}), 4096))
				return Status::bad_parameter;
		for (size_t i = 0; i < count; i++)
			pages_.push_back(get(list.subspan(8 * i), {0, 64}));
		return Status::ok;
	}
	case manage_take: {
		const MutableBytes list = tail(command.out, command::header);
		const size_t taken = std::min({count, list.size() / 8, pages_.size()});
		for (size_t i = 0; i < taken; i++, pages_.pop_back())
			set(list.subspan(8 * i), {0, 64}, pages_.back());
		set(command.out, pages::taken, taken);
		return Status::ok;
	}
	}
	return Status::bad_parameter;
}

std::optional<Status> Lifecycle::execute(Command &command)
{
	switch (command.opcode()) {
	case op_enable_hca:
		enabled_ = true;
		return Status::ok;
	case op_disable_hca:
		enabled_ = false;
		return Status::ok;
	case op_init_hca:
		return enabled_ ? Status::ok : Status::bad_system_state;
	case op_teardown_hca: /* the device lets its other parts go as well */
	case op_set_issi:
	case op_set_driver_version:
	case op_nop:
		return Status::ok;
	case op_query_issi: {
		constexpr Field supported{0x360, 32};
		set(command.out, supported, 1 << 1 | 1 << 0);
		return Status::ok;
	}
	case op_query_pages:
		set(command.out, pages::count,
		    command.op_mod() == pages_boot   ? boot_pages
		    : command.op_mod() == pages_init ? init_pages
						     : 0);
		return Status::ok;
	case op_manage_pages:
		return manage_pages(command);
	case op_query_hca_cap:
		return query_capabilities(command);
	case op_set_hca_cap: {
		if (command.op_mod() >> 1 != group_general)
			return Status::ok;
		const Bytes from = tail(command.in, command::header);
		std::ranges::copy(from.first(std::min(from.size(), general_.size())), general_.begin());
		return Status::ok;
	}
	}
	return std::nullopt;
}

} // namespace decouple::hca
