// SPDX-License-Identifier: GPL-2.0-only
// The port's state, and commands about it.

#include "hca-model/port.h"

#include <algorithm>

#include "prm/opcode.h"

namespace decouple::hca
{
namespace
{

constexpr uint64_t link_local_prefix = 0xfe80000000000000;
constexpr unsigned default_pkey = 0xffff, subnet_manager_lid = 1, width_4x = 2, speed = 1 << 4;

void copy_body(Command &command, size_t at)
{
	const Bytes from = tail(command.in, at);
	const MutableBytes to = tail(command.out, at);
	std::ranges::copy(from.first(std::min(from.size(), to.size())), to.begin());
}

} // namespace

void Port::reset()
{
	admin_ = port::admin_down;
	state_ = port::State::down;
	due_ns_ = ~0ull;
}

unsigned Port::physical() const
{
	if (admin_ == port::admin_down)
		return port::physical_disabled;
	return state_ == port::State::down ? port::physical_polling : port::physical_up;
}

void Port::enter(port::State state, unsigned event)
{
	state_ = state;
	EventData data = {};
	set(data, eq::port_number, 1);
	events_.broadcast(eq::Event::port, event, data);
}

void Port::set_admin(unsigned admin)
{
	if (admin == admin_ || (admin != port::admin_up && admin != port::admin_down))
		return;
	admin_ = admin;
	if (admin == port::admin_up) {
		due_ns_ = bus_.now_ns() + knobs_.link_up_ms * 1000000;
		return;
	}
	due_ns_ = ~0ull;
	if (state_ != port::State::down)
		enter(port::State::down, port::event_down);
}

bool Port::step()
{
	if (due_ns_ == ~0ull || bus_.now_ns() < due_ns_)
		return false;
	if (state_ == port::State::down) {
		due_ns_ += knobs_.activate_ms * 1000000;
		enter(port::State::init, port::event_initialized);
	} else {
		due_ns_ = ~0ull;
		enter(port::State::active, port::event_active);
	}
	return true;
}

Status Port::access_register(Command &command)
{
	copy_body(command, port::register_at);
	if (get(command.in, port::register_id) != port::paos)
		return get(command.in, port::register_id) == port::host_endianness ? Status::ok : Status::bad_parameter;
	const Bytes asked = tail(command.in, port::register_at);
	if (get(asked, port::admin_set))
		set_admin(static_cast<unsigned>(get(asked, port::admin)));
	const MutableBytes told = tail(command.out, port::register_at);
	set(told, port::admin, admin_);
	set(told, port::oper, state_ == port::State::down ? port::admin_down : port::admin_up);
	return Status::ok;
}

Status Port::management(Command &command)
{
	copy_body(command, port::mad_at);
	const MutableBytes mad = tail(command.out, port::mad_at);
	if (mad.size() < port::mad_size)
		return Status::bad_output_length;
	mad[port::mad_method_at] |= port::mad_response;
	if (get(mad, port::mad_attribute) != port::attribute_port_info)
		return Status::bad_parameter;
	const MutableBytes info = tail(mad, port::mad_data_at);
	set(info, port::info_lid, lid_);
	set(info, port::info_sm_lid, subnet_manager_lid);
	set(info, port::info_width, width_4x);
	set(info, port::info_speed_state, speed | static_cast<unsigned>(state_));
	set(info, port::info_physical, physical());
	return Status::ok;
}

Status Port::query(Command &command)
{
	const MutableBytes context = tail(command.out, port::vport_at);
	set(context, port::physical_state, physical());
	set(context, port::port_state, static_cast<unsigned>(state_));
	set(context, port::vport_state, static_cast<unsigned>(state_));
	set(context, port::system_guid, guid());
	set(context, port::port_guid, guid());
	set(context, port::node_guid, guid());
	set(context, port::lid, lid_);
	set(context, port::sm_lid, subnet_manager_lid);
	return Status::ok;
}

Status Port::query_gid(Command &command)
{
	if (get(command.in, port::table_index))
		return Status::bad_parameter;
	set(command.out, port::gid_count, 1);
	const MutableBytes gid = tail(command.out, command::header);
	set(gid, {0, 64}, link_local_prefix);
	set(gid, {64, 64}, guid());
	return Status::ok;
}

std::optional<Status> Port::execute(Command &command)
{
	switch (command.opcode()) {
	case op_access_register:
		return access_register(command);
	case op_mad_ifc:
		return management(command);
	case op_query_hca_vport:
		return query(command);
	case op_query_hca_vport_gid:
		return query_gid(command);
	case op_query_hca_vport_pkey:
		set(tail(command.out, command::header), {16, 16}, default_pkey);
		return Status::ok;
	case op_modify_nic_vport: /* asked of Ethernet ports only */
		return Status::ok;
	}
	return std::nullopt;
}

} // namespace decouple::hca
