/* SPDX-License-Identifier: GPL-2.0-only */
/* Event queues. They count as always armed: the interrupts too many that this makes do no harm. */
#ifndef DECOUPLE_HCA_EVENT_H
#define DECOUPLE_HCA_EVENT_H

#include <array>

#include "hca-model/memory.h"

namespace decouple::hca
{

/* The 28 bytes of an event that depend on its type. */
using EventData = std::array<uint8_t, 28>;

class Events : public Part
{
public:
	Events(Bus &bus, Memory &memory) : bus_(bus), memory_(memory) {}

	std::optional<Status> execute(Command &command) override;
	void reset() override { queues_.clear(); }

	bool exists(uint32_t number) { return queues_.find(number); }
	/* To one queue. */
	void post(uint32_t number, eq::Event type, const EventData &data);
	/* To all queues that want events of this type. */
	void broadcast(eq::Event type, unsigned subtype, const EventData &data);

private:
	struct Queue {
		Buffer buffer;
		unsigned log_size, vector;
		std::array<uint64_t, 4> mask;
		uint32_t producer = 0;
	};

	Status create(Command &command);
	Status query(Command &command);
	void write(Queue &queue, eq::Event type, unsigned subtype, const EventData &data);

	Bus &bus_;
	Memory &memory_;
	Table<Queue> queues_{2, 0xff};
};

} // namespace decouple::hca

#endif
