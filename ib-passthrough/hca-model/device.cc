// SPDX-License-Identifier: GPL-2.0-only
// The function as a whole.

#include "hca-model/device.h"

#include <cstdio>

#include "prm/opcode.h"

namespace decouple::hca
{
namespace
{

constexpr uint64_t tick_ns = 10000000;
/* Packets that are taken before doorbells are looked at again. */
constexpr int packets_at_once = 16;
/* Pages that a running firmware asks for once: a driver has to serve that too. */
constexpr unsigned runtime_pages = 2;

} // namespace

Device::Device(Bus &bus, MutableBytes bar, Wire &wire, const Knobs &knobs)
    : bus_(bus), bar_(bar), wire_(wire), knobs_(knobs), lifecycle_(bus), memory_(bus), events_(bus, memory_),
      completions_(bus, memory_, events_, bar),
      shared_(bus, memory_, events_), around_{bus, knobs_, memory_, events_, completions_, shared_, wire}, pairs_(around_),
      port_(bus, knobs_, events_, wire.lid()), requester_(around_), responder_(around_),
      commands_(
	      bus, knobs_, bar, [this](Bytes in, MutableBytes out) { execute(in, out); },
	      [this](uint32_t slots) {
		      EventData data = {};
		      set(data, eq::command_vector, slots);
		      events_.broadcast(eq::Event::command, 0, data);
	      }),
      failures_due_(knobs.fail_after)
{
}

void Device::reset_objects()
{
	pairs_.reset();
	shared_.reset();
	completions_.reset();
	events_.reset();
	memory_.reset();
	port_.reset();
	page_request_sent_ = false;
}

bool Device::fails(unsigned opcode)
{
	if (!knobs_.fail_opcode || opcode != knobs_.fail_opcode)
		return false;
	return failures_due_ ? failures_due_--, false : true;
}

Status Device::dispatch(Command &command)
{
	const OpcodeInfo *info = opcode_info(command.opcode());
	if (!info)
		return Status::bad_opcode;
	if (command.in.size() < info->input)
		return Status::bad_input_length;
	if (command.out.size() < info->output)
		return Status::bad_output_length;
	if (fails(info->opcode))
		return static_cast<Status>(knobs_.fail_status);
	if (info->opcode == op_teardown_hca)
		reset_objects();
	Part *const parts[] = {&lifecycle_, &memory_, &events_, &completions_, &shared_, &pairs_, &port_};
	for (Part *part : parts)
		if (auto status = part->execute(command))
			return *status;
	return Status::bad_opcode;
}

void Device::execute(Bytes in, MutableBytes out)
{
	Command command{in, out};
	const Status status = dispatch(command);
	/* Syndromes of firmware have no public list: ours name the command. */
	if (status != Status::ok)
		command.syndrome = 0xdec00000 | command.opcode();
	set(out, command::status, static_cast<unsigned>(status));
	set(out, command::syndrome, command.syndrome);
	if (knobs_.trace) {
		const OpcodeInfo *info = opcode_info(command.opcode());
		std::fprintf(stderr, "hca: %s (%#x.%u) in %zu out %zu: %#x\n", info ? info->name : "?", command.opcode(),
			     command.op_mod(), in.size(), out.size(), static_cast<unsigned>(status));
	}
	if (status == Status::ok && command.opcode() == op_create_cq && !page_request_sent_) {
		page_request_sent_ = true;
		EventData data = {};
		set(data, eq::page_count, runtime_pages);
		events_.broadcast(eq::Event::page_request, 0, data);
	}
}

/* Drivers take a device for dead whose health counter stands still. */
void Device::tick()
{
	const uint64_t now = bus_.now_ns();
	if (now < next_tick_ns_)
		return;
	next_tick_ns_ = now + tick_ns;
	std::atomic_ref<uint32_t>(*reinterpret_cast<uint32_t *>(&bar_[init_segment::health_counter])).store(htobe32(++ticks_));
}

bool Device::take_packets()
{
	for (int i = 0; i < packets_at_once; i++) {
		const auto packet = wire_.receive();
		if (!packet)
			return i > 0;
		QueuePair *pair = pairs_.find(packet->header.target_qp);
		if (!pair)
			continue;
		if (packet->header.kind == PacketKind::request)
			responder_.request(*pair, *packet);
		else
			requester_.answer(*pair, *packet);
	}
	return true;
}

bool Device::step()
{
	tick();
	bool busy = commands_.step();
	busy |= take_packets();
	for (auto &[number, pair] : pairs_) {
		busy |= requester_.step(pair);
		busy |= responder_.flush(pair);
	}
	busy |= completions_.step();
	busy |= port_.step();
	return busy;
}

} // namespace decouple::hca
