// SPDX-License-Identifier: GPL-2.0-only
// Commands.

#include "function/command_port.h"

#include <time.h>

#include <algorithm>
#include <atomic>

#include "prm/fields.h"

namespace decouple
{
namespace
{

using namespace hca;

/* Of mailboxes in memory: the next power of two. */
constexpr size_t stride = 1024;
constexpr unsigned timeout_s = 60;

uint8_t *mailbox_at(const DeviceMemory &chain, size_t number)
{
	return chain.bytes().data() + number * stride;
}

size_t mailboxes(size_t len)
{
	return len <= slot::inline_size ? 0 : (len - slot::inline_size + mailbox::data_size - 1) / mailbox::data_size;
}

std::atomic_ref<uint32_t> register32(MutableBytes bar, unsigned offset)
{
	return std::atomic_ref<uint32_t>(*reinterpret_cast<uint32_t *>(&bar[offset]));
}

} // namespace

Result<std::unique_ptr<CommandPort>> CommandPort::open(Access &access)
{
	std::unique_ptr<CommandPort> port(new CommandPort(access));
	const MutableBytes bar = access.bar();
	const uint32_t revision = be32toh(register32(bar, init_segment::interface_rev).load()) >> 16;
	if (revision != init_segment::interface_rev_value)
		return fail(EOPNOTSUPP, "command interface of revision " + std::to_string(revision));
	port->slots_ = TRY(DeviceMemory::allocate(access, device_page));
	const uint64_t at = port->slots_.mapping().address();
	register32(bar, init_segment::queue_high).store(htobe32(static_cast<uint32_t>(at >> 32)));
	register32(bar, init_segment::queue_low).store(htobe32(static_cast<uint32_t>(at)));
	for (unsigned waited_s = 0; be32toh(register32(bar, init_segment::initializing).load()) >> 31; waited_s++) {
		if (waited_s == timeout_s)
			return fail(ETIMEDOUT, "the firmware is not ready");
		const timespec second = {1, 0};
		nanosleep(&second, nullptr);
	}
	return port;
}

Result<> CommandPort::make_chain(DeviceMemory &chain, size_t len)
{
	const size_t count = mailboxes(len);
	if (chain.bytes().size() < count * stride)
		chain = TRY(DeviceMemory::allocate(access_, count * stride));
	for (size_t i = 0; i < count; i++) {
		const MutableBytes box(mailbox_at(chain, i), mailbox::size);
		std::ranges::fill(box, 0);
		if (i + 1 < count)
			set(box, mailbox::next, chain.mapping().address() + (i + 1) * stride);
		set(box, mailbox::block_number, i);
		set(box, mailbox::token, token_);
	}
	return {};
}

/* Looks at the slot itself: neither an event that gets lost nor a signal can disturb it. */
Result<> CommandPort::wait()
{
	constexpr unsigned spins = 2000;
	constexpr long nap_ns = 20000;
	const std::atomic_ref<uint8_t> owner(slots_.bytes()[slot::status_at]);
	for (uint64_t turn = 0; owner.load(std::memory_order_acquire) & 1; turn++) {
		if (turn < spins)
			continue;
		if (turn - spins == uint64_t(timeout_s) * 1000000000 / nap_ns) {
			dead_ = true;
			return fail(ETIMEDOUT, "no answer to a command");
		}
		const timespec nap = {0, nap_ns};
		nanosleep(&nap, nullptr);
	}
	return {};
}

Result<> CommandPort::execute(Bytes in, MutableBytes out)
{
	const std::lock_guard lock(mutex_);
	if (dead_)
		return fail(EIO, "a command before got no answer");
	token_++;
	TRY(make_chain(input_, in.size()));
	TRY(make_chain(output_, out.size()));
	const MutableBytes entry = slots_.bytes().first(slot::size);
	std::ranges::fill(entry, 0);
	set(entry, slot::type, slot::pci_transport);
	set(entry, slot::token, token_);
	set(entry, slot::input_length, in.size());
	set(entry, slot::output_length, out.size());
	set(entry, slot::input_mailbox, input_.mapping().address());
	set(entry, slot::output_mailbox, output_.mapping().address());
	std::ranges::copy(in.first(std::min<size_t>(in.size(), slot::inline_size)), &entry[slot::input_at]);
	for (size_t i = 0, at = slot::inline_size; at < in.size(); i++, at += mailbox::data_size)
		std::ranges::copy(in.subspan(at, std::min<size_t>(in.size() - at, mailbox::data_size)), mailbox_at(input_, i));
	/* The slot is the device's, then the doorbell says so. */
	std::atomic_ref<uint8_t>(entry[slot::status_at]).store(1, std::memory_order_release);
	register32(access_.bar(), init_segment::doorbell).store(htobe32(1));
	TRY(wait());
	if (const auto delivery = entry[slot::status_at] >> 1)
		return fail(EIO, "delivery status " + std::to_string(delivery) + " of a command");
	std::ranges::copy(entry.subspan(slot::output_at, std::min<size_t>(out.size(), slot::inline_size)), out.begin());
	for (size_t i = 0, at = slot::inline_size; at < out.size(); i++, at += mailbox::data_size) {
		const uint8_t *box = mailbox_at(output_, i);
		std::copy(box, box + std::min<size_t>(out.size() - at, mailbox::data_size), &out[at]);
	}
	return {};
}

} // namespace decouple
