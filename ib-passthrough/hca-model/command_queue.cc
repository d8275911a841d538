// SPDX-License-Identifier: GPL-2.0-only
// Slots, mailbox chains, signatures.

#include "hca-model/command_queue.h"

#include <algorithm>
#include <atomic>

namespace decouple::hca
{
namespace
{

uint8_t folded(Bytes bytes)
{
	uint8_t sum = 0;
	for (uint8_t byte : bytes)
		sum ^= byte;
	return sum;
}

/* A signature makes the bytes that it covers, itself included, fold to 0xff. */
void sign(Bytes covered, uint8_t *signature)
{
	*signature = 0;
	*signature = static_cast<uint8_t>(~folded(covered));
}

} // namespace

CommandQueue::CommandQueue(Bus &bus, const Knobs &knobs, MutableBytes bar, Execute execute, Completed completed)
    : bus_(bus), knobs_(knobs), bar_(bar), execute_(std::move(execute)), completed_(std::move(completed))
{
	reset();
}

/* The driver stores to these words while we look: atomic, not volatile, on purpose. */
std::atomic_ref<uint32_t> CommandQueue::register32(unsigned offset) const
{
	return std::atomic_ref<uint32_t>(*reinterpret_cast<uint32_t *>(&bar_[offset]));
}

void CommandQueue::reset()
{
	std::fill(bar_.begin(), bar_.begin() + init_segment::health_counter + 4, 0);
	store32(&bar_[init_segment::firmware], 40u << 16 | 20); /* minor, major: 20.40.1000 */
	store32(&bar_[init_segment::interface_rev], 1000 << 16 >> 16 | init_segment::interface_rev_value << 16);
	restore_read_only();
	base_ = 0;
	due_.clear();
}

/* The sizes share a register with the address that the driver writes. */
void CommandQueue::restore_read_only()
{
	auto low = register32(init_segment::queue_low);
	const uint32_t value = be32toh(low.load());
	const uint32_t wanted = (value & ~init_segment::queue_low_sizes) | log_slots << 4 | log_stride;
	if (value != wanted)
		low.store(htobe32(wanted));
}

bool CommandQueue::step()
{
	auto doorbell = register32(init_segment::doorbell);
	bool busy = false;
	if (doorbell.load(std::memory_order_acquire)) {
		/* Slots rung for between load and exchange are in the exchanged word as well. */
		const uint32_t slots = be32toh(doorbell.exchange(0));
		const uint32_t low = be32toh(register32(init_segment::queue_low).load());
		base_ = uint64_t(be32toh(register32(init_segment::queue_high).load())) << 32 | (low & ~0xfffu);
		restore_read_only();
		const uint64_t at_ns = bus_.now_ns() + knobs_.command_delay_us * 1000;
		for (unsigned slot = 0; slot < 1u << log_slots; slot++)
			if (slots >> slot & 1)
				due_.push_back({slot, at_ns});
	}
	if (due_.empty())
		return false;
	const uint64_t now = knobs_.command_delay_us ? bus_.now_ns() : ~0ull;
	while (!due_.empty() && due_.front().at_ns <= now) {
		const unsigned slot = due_.front().slot;
		due_.erase(due_.begin());
		run(slot);
		busy = true;
	}
	return busy;
}

MutableBytes CommandQueue::block(uint64_t iova, uint32_t number, unsigned token, Delivery &delivery) const
{
	auto *memory = iova % mailbox::alignment ? nullptr : static_cast<uint8_t *>(bus_.dma(iova, mailbox::size));
	if (!memory)
		return {};
	MutableBytes bytes(memory, mailbox::size);
	if (get(bytes, mailbox::block_number) != number)
		delivery = Delivery::block_number;
	else if (get(bytes, mailbox::token) != token)
		delivery = Delivery::token;
	else
		return bytes;
	return {};
}

Delivery CommandQueue::read(Bytes entry, std::vector<uint8_t> &in) const
{
	const auto length = static_cast<uint32_t>(get(entry, slot::input_length));
	if (get(entry, slot::type) != slot::pci_transport)
		return Delivery::descriptor;
	if (length < 8 || length > longest)
		return Delivery::input_length;
	if (knobs_.check_signatures && folded(entry) != 0xff)
		return Delivery::signature;
	const Bytes inlined = entry.subspan(slot::input_at, std::min(length, slot::inline_size));
	in.assign(inlined.begin(), inlined.end());
	uint64_t next = get(entry, slot::input_mailbox);
	for (uint32_t number = 0; in.size() < length; number++) {
		auto delivery = Delivery::input_pointer;
		Bytes bytes = block(next, number, static_cast<unsigned>(get(entry, slot::token)), delivery);
		if (bytes.empty())
			return delivery;
		if (knobs_.check_signatures && folded(bytes) != 0xff)
			return Delivery::signature;
		const Bytes data = bytes.first(std::min<size_t>(length - in.size(), mailbox::data_size));
		in.insert(in.end(), data.begin(), data.end());
		next = get(bytes, mailbox::next);
	}
	return Delivery::ok;
}

Delivery CommandQueue::write(MutableBytes entry, Bytes out) const
{
	std::ranges::copy(out.first(std::min<size_t>(out.size(), slot::inline_size)), &entry[slot::output_at]);
	uint64_t next = get(entry, slot::output_mailbox);
	uint32_t number = 0;
	for (Bytes rest = tail(out, slot::inline_size); !rest.empty(); rest = tail(rest, mailbox::data_size), number++) {
		auto delivery = Delivery::output_pointer;
		MutableBytes bytes = block(next, number, static_cast<unsigned>(get(entry, slot::token)), delivery);
		if (bytes.empty())
			return delivery;
		std::ranges::copy(rest.first(std::min<size_t>(rest.size(), mailbox::data_size)), bytes.begin());
		sign(bytes.first(mailbox::signature_at).subspan(mailbox::data_size), &bytes[mailbox::control_signature_at]);
		sign(bytes, &bytes[mailbox::signature_at]);
		next = get(bytes, mailbox::next);
	}
	return Delivery::ok;
}

void CommandQueue::run(unsigned number)
{
	auto *memory = static_cast<uint8_t *>(bus_.dma(base_ + number * slot::size, slot::size));
	if (!memory)
		return; /* no place to complain: a driver waits for ever, as with hardware */
	MutableBytes entry(memory, slot::size);
	std::atomic_ref<uint8_t> owner(memory[slot::status_at]);
	if (!(owner.load() & 1))
		return; /* rung for a slot that is the driver's */
	std::vector<uint8_t> in;
	const auto out_length = static_cast<uint32_t>(get(entry, slot::output_length));
	Delivery delivery = read(entry, in);
	if (delivery == Delivery::ok && (out_length < 8 || out_length > longest))
		delivery = Delivery::output_length;
	if (delivery == Delivery::ok) {
		std::vector<uint8_t> out(out_length);
		execute_(in, out);
		delivery = write(entry, out);
	}
	/* The status byte is signed as the driver will read it; until the store it says that the slot is the device's. */
	const auto status = static_cast<uint8_t>(static_cast<unsigned>(delivery) << 1);
	entry[slot::status_at] = status | 1;
	sign(entry, &entry[slot::signature_at]);
	entry[slot::signature_at] ^= 1;
	owner.store(status, std::memory_order_release);
	completed_(1u << number);
}

} // namespace decouple::hca
