// SPDX-License-Identifier: GPL-2.0-only
// Bringing a function up, and down.

#include "function/function.h"

#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

namespace decouple
{
namespace
{

using namespace hca;

enum { pages_boot = 1, pages_init = 2, manage_give = 1 };
/* Of capabilities: the greatest values, what counts now. */
enum { general_current = 1 };
constexpr size_t capability_size = 4096;

int to_errno(unsigned status)
{
	switch (static_cast<Status>(status)) {
	case Status::ok:
		return 0;
	case Status::bad_opcode:
		return EOPNOTSUPP;
	case Status::bad_resource:
		return ENOENT;
	case Status::resource_busy:
		return EBUSY;
	case Status::limit:
		return ENOMEM;
	case Status::bad_system_state:
		return EIO;
	default:
		return EINVAL;
	}
}

} // namespace

Result<> Function::run(Request &request)
{
	TRY(commands_->execute(request.in, request.out));
	const auto status = request.answer(command::status);
	if (!status)
		return {};
	const auto *info = opcode_info(static_cast<unsigned>(get(request.in, command::opcode)));
	return fail(to_errno(status), std::string(info ? info->name : "command") + ": status " + std::to_string(status) +
					      ", syndrome " + std::to_string(request.answer(command::syndrome)));
}

Result<> Function::run(Opcode opcode, uint32_t number)
{
	Request request(opcode);
	request.put(command::number, number);
	return run(request);
}

Result<> Function::give(size_t count)
{
	if (!count)
		return {};
	DeviceMemory memory = TRY(DeviceMemory::allocate(*access_, count * device_page));
	Request request(op_manage_pages, command::header + 8 * count);
	request.put(command::op_mod, manage_give);
	request.put(pages::count, count);
	for (size_t i = 0; i < count; i++)
		request.put({static_cast<unsigned>(8 * (command::header + 8 * i)), 64}, memory.mapping().page(i));
	TRY(run(request));
	pages_.push_back(std::move(memory));
	return {};
}

Result<> Function::give_pages(unsigned phase)
{
	Request query(op_query_pages);
	query.put(command::op_mod, phase);
	TRY(run(query));
	return give(query.answer(pages::count));
}

Result<> Function::raise_port()
{
	Request request(op_access_register, 32, 32);
	request.put(port::register_id, port::paos);
	constexpr Field local_port{8, 8};
	for (auto [field, value] : {std::pair{local_port, 1u}, {port::admin, port::admin_up}, {port::admin_set, 1u}})
		request.put(field.at(port::register_at), value);
	/* A virtual function may not be asked; then the port is as its owner wants it. */
	if (!run(request))
		return {};
	constexpr int tries = 500;
	for (int i = 0; i < tries; i++) {
		Request query(op_query_hca_vport, 16, port::vport_at + 512);
		TRY(run(query));
		if (query.answer(port::vport_state.at(port::vport_at)) == static_cast<unsigned>(port::State::active))
			break;
		const timespec nap = {0, 10000000};
		nanosleep(&nap, nullptr);
	}
	return {};
}

Result<> Function::bring_up()
{
	commands_ = TRY(CommandPort::open(*access_));
	Request enable(op_enable_hca), issi(op_query_issi, 16, 112), set_issi(op_set_issi), init(op_init_hca);
	TRY(run(enable));
	enabled_ = true;
	TRY(run(issi));
	constexpr Field wanted_issi{0x50, 16};
	set_issi.put(wanted_issi, 1);
	TRY(run(set_issi));
	TRY(give_pages(pages_boot));

	Request capabilities(op_query_hca_cap, 16, command::header + capability_size),
		choose(op_set_hca_cap, command::header + capability_size);
	capabilities.put(command::op_mod, general_current);
	TRY(run(capabilities));
	std::copy(capabilities.out.begin() + command::header, capabilities.out.end(), choose.in.begin() + command::header);
	choose.put(capability::uar_4k.at(command::header), 1);
	choose.put(capability::cqe_version.at(command::header), 1);
	TRY(run(choose));

	TRY(give_pages(pages_init));
	TRY(run(init));
	Request uar(op_alloc_uar);
	TRY(run(uar));
	uar_ = uar.number();
	TRY(create_event_queue());
	TRY(start_thread());
	return raise_port();
}

Result<std::unique_ptr<Function>> Function::open(std::unique_ptr<Access> access, Listener listener)
{
	std::unique_ptr<Function> function(new Function(std::move(access)));
	function->listener_ = std::move(listener);
	TRY(function->bring_up());
	return function;
}

Function::~Function()
{
	if (thread_.joinable()) {
		const uint64_t one = 1;
		while (write(stop_fd_, &one, sizeof(one)) < 0 && errno == EINTR)
			;
		thread_.join();
	}
	if (stop_fd_ >= 0)
		close(stop_fd_);
	if (enabled_) {
		/* Behind this the device uses no memory of ours any more. */
		Request teardown(op_teardown_hca);
		run(teardown);
	}
}

} // namespace decouple
