/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device's side of the command interface: slots in the host's memory, mailbox chains behind them, the doorbell in the init
 * segment. All of it is written by the driver, so nothing in it is believed.
 */
#ifndef DECOUPLE_HCA_COMMAND_QUEUE_H
#define DECOUPLE_HCA_COMMAND_QUEUE_H

#include <atomic>
#include <functional>
#include <optional>
#include <vector>

#include "hca-model/bus.h"
#include "hca-model/knobs.h"
#include "prm/fields.h"

namespace decouple::hca
{

class CommandQueue
{
public:
	/* Executes a command: fills the output, status included. */
	using Execute = std::function<void(Bytes in, MutableBytes out)>;
	/* Tells that the commands of a vector of slots are done. */
	using Completed = std::function<void(uint32_t slots)>;

	CommandQueue(Bus &bus, const Knobs &knobs, MutableBytes bar, Execute execute, Completed completed);

	/* Writes the registers as after a reset of the function. */
	void reset();
	/* Looks for the doorbell; true: there was work. */
	bool step();

private:
	static constexpr unsigned log_slots = 5, log_stride = 6;
	/* Longer ones are refused: page lists of some GiB fit. */
	static constexpr uint32_t longest = 16 << 20;

	struct Due {
		unsigned slot;
		uint64_t at_ns;
	};

	std::atomic_ref<uint32_t> register32(unsigned offset) const;
	void restore_read_only();
	void run(unsigned slot);
	Delivery read(Bytes entry, std::vector<uint8_t> &in) const;
	Delivery write(MutableBytes entry, Bytes out) const;
	/* The block at `iova` if it is the one that the chain must have there. */
	MutableBytes block(uint64_t iova, uint32_t number, unsigned token, Delivery &delivery) const;

	Bus &bus_;
	const Knobs &knobs_;
	MutableBytes bar_;
	Execute execute_;
	Completed completed_;
	uint64_t base_ = 0; /* address of the slots */
	std::vector<Due> due_; /* rung for, not yet executed */
};

} // namespace decouple::hca

#endif
