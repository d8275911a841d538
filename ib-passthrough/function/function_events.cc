// SPDX-License-Identifier: GPL-2.0-only
// The event queue of a function.

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "function/function.h"
#include "quiet_thread.h"

namespace decouple
{
namespace
{

using namespace hca;

constexpr unsigned log_events = 12;

constexpr uint64_t bit(eq::Event event)
{
	return 1ull << static_cast<unsigned>(event);
}

} // namespace

Result<> Function::create_event_queue()
{
	events_ = TRY(DeviceMemory::allocate(*access_, size_t(eq::entry_size) << log_events));
	/* Entries are the device's until their owner bit says otherwise. */
	for (size_t at = eq::entry_size - 1; at < events_.bytes().size(); at += eq::entry_size)
		events_.bytes()[at] = 1;
	const Mapping &mapping = events_.mapping();
	Request request(op_create_eq, command::pas_at + 8 * mapping.pages());
	request.put(eq::log_size.at(eq::at), log_events);
	request.put(eq::uar_page.at(eq::at), uar_);
	request.put(Field{0, 64}.at(eq::mask_at), bit(eq::Event::port) | bit(eq::Event::page_request) |
							  bit(eq::Event::cq_error) | bit(eq::Event::wq_catastrophe) |
							  bit(eq::Event::invalid_request) | bit(eq::Event::access_error) |
							  bit(eq::Event::srq_limit) | bit(eq::Event::srq_last_wqe));
	for (size_t i = 0; i < mapping.pages(); i++)
		request.put({static_cast<unsigned>(8 * (command::pas_at + 8 * i)), 64}, mapping.page(i));
	TRY(run(request));
	event_queue_ = request.answer(command::eq_number);
	return {};
}

Result<> Function::start_thread()
{
	TRY(access_->interrupt());
	stop_fd_ = eventfd(0, EFD_CLOEXEC);
	if (stop_fd_ < 0)
		return fail_errno("eventfd");
	thread_ = quiet_thread([this] { read_events(); });
	return {};
}

void Function::take_events()
{
	for (;; consumer_++) {
		uint8_t *entry = &events_.bytes()[(consumer_ & ((1u << log_events) - 1)) * size_t(eq::entry_size)];
		const auto owner = std::atomic_ref<uint8_t>(entry[eq::entry_size - 1]).load(std::memory_order_acquire);
		if ((owner & 1) != (consumer_ >> log_events & 1))
			break;
		const auto type = static_cast<eq::Event>(entry[1]);
		const Bytes data(entry + eq::data_at, 28);
		if (type == eq::Event::page_request) {
			/* Not more than memory allows: without pages the command that needs them fails. */
			(void)give(get(data, eq::page_count));
		} else {
			listener_(type, entry[3], data);
		}
	}
	/* Says how far we are, and arms the queue. */
	auto *arm = reinterpret_cast<uint32_t *>(&access_->bar()[size_t(uar_) * uar::page_size + uar::eq_arm]);
	std::atomic_ref<uint32_t>(*arm).store(htobe32(event_queue_ << 24 | (consumer_ & 0xffffff)));
}

void Function::read_events()
{
	const int interrupt = *access_->interrupt();
	take_events(); /* arms it for the first time */
	for (;;) {
		pollfd fds[] = {{interrupt, POLLIN, 0}, {stop_fd_, POLLIN, 0}};
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents)
			return;
		uint64_t count;
		if (read(interrupt, &count, sizeof(count)) == sizeof(count))
			take_events();
	}
}

} // namespace decouple
