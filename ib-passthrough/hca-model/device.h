/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A ConnectX function in software, as its driver sees it: registers in a BAR, everything else in the host's memory. It knows nothing
 * of how it is plugged in. It is a machine that is turned: step() looks at doorbells and doorbell records once, and does what is due. All
 * in one thread, so nothing in here has a lock.
 *
 * A BAR that is polled tells neither how many stores came nor their order: missing doorbells and missing barriers of a driver
 * stay unseen.
 */
#ifndef DECOUPLE_HCA_DEVICE_H
#define DECOUPLE_HCA_DEVICE_H

#include "hca-model/command_queue.h"
#include "hca-model/lifecycle.h"
#include "hca-model/port.h"
#include "hca-model/requester.h"
#include "hca-model/responder.h"

namespace decouple::hca
{

class Device
{
public:
	/* Bytes of BAR 0. */
	static constexpr size_t bar_size = 2 << 20;

	/* All of them must outlive the device; `bar` is aligned to a page. */
	Device(Bus &bus, MutableBytes bar, Wire &wire, const Knobs &knobs);

	/* True: there was work, and there may be more. */
	bool step();
	/* Executes a command as if it had come by a slot: for tests. */
	void execute(Bytes in, MutableBytes out);

private:
	void reset_objects();
	void tick();
	bool take_packets();
	Status dispatch(Command &command);
	/* Should this command fail, because a test wants it? */
	bool fails(unsigned opcode);

	Bus &bus_;
	MutableBytes bar_;
	Wire &wire_;
	const Knobs knobs_;
	Lifecycle lifecycle_;
	Memory memory_;
	Events events_;
	Completions completions_;
	SharedQueues shared_;
	Surroundings around_;
	QueuePairs pairs_;
	Port port_;
	Requester requester_;
	Responder responder_;
	CommandQueue commands_;
	uint64_t failures_due_; /* matching commands that still succeed */
	uint64_t next_tick_ns_ = 0;
	uint32_t ticks_ = 0;
	bool page_request_sent_ = false;
};

} // namespace decouple::hca

#endif
