/* SPDX-License-Identifier: GPL-2.0-only */
/* Completion queues: entries, their arming, the events that follow. */
#ifndef DECOUPLE_HCA_COMPLETION_H
#define DECOUPLE_HCA_COMPLETION_H

#include <array>

#include "hca-model/event.h"

namespace decouple::hca
{

/* A completion before it is in a queue: fields of namespace cqe. */
struct Completion {
	cqe::Kind kind;
	bool solicited = false;
	std::array<uint8_t, cqe::size> bytes = {};

	explicit Completion(cqe::Kind what) : kind(what) {}
	void put(Field field, uint64_t value) { set(bytes, field, value); }
};

class Completions : public Part
{
public:
	Completions(Bus &bus, Memory &memory, Events &events, MutableBytes bar)
	    : bus_(bus), memory_(memory), events_(events), bar_(bar)
	{
	}

	std::optional<Status> execute(Command &command) override;
	void reset() override { queues_.clear(); }

	bool exists(uint32_t number) { return queues_.find(number); }
	void post(uint32_t number, const Completion &completion);
	/* Looks which queues are armed, and sends the events that are due. */
	bool step();

private:
	struct Queue {
		Buffer buffer, record;
		unsigned log_size, entry_size;
		uint32_t event_queue;
		bool ignore_overrun, overrun = false;
		uint32_t producer = 0;
		uint32_t last_solicited = 0; /* producer behind the last solicited entry or error */
		uint32_t last_notified = 0; /* producer when the last event was sent: entries before it make no other */
		/* The arming for which the event has been sent. The first arming of a queue may look like no arming at all. */
		std::optional<uint32_t> fired;
		bool rung = false;
	};

	Status create(Command &command);
	Status query(Command &command);
	bool take_doorbells();
	bool fire(uint32_t number, Queue &queue);

	Bus &bus_;
	Memory &memory_;
	Events &events_;
	MutableBytes bar_;
	Table<Queue> queues_{0x40};
};

} // namespace decouple::hca

#endif
