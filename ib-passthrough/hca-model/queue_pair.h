/* SPDX-License-Identifier: GPL-2.0-only */
/* Queue pairs: their contexts, and the states that commands take them through. */
#ifndef DECOUPLE_HCA_QUEUE_PAIR_H
#define DECOUPLE_HCA_QUEUE_PAIR_H

#include <array>

#include "hca-model/completion.h"
#include "hca-model/knobs.h"
#include "hca-model/packet.h"
#include "hca-model/send_entry.h"

namespace decouple::hca
{

/* The request of a reliable queue pair that is not answered yet. One at a time: the model does not pipeline. */
struct Pending {
	SendEntry entry;
	Packet packet;
	uint64_t due_ns; /* then it is sent again; ~0: never */
	unsigned retries = 0, refusals = 0; /* without an answer; "not ready" */
};

struct QueuePair {
	uint32_t number = 0;
	qp::Service service = qp::Service::rc;
	qp::State state = qp::State::reset;
	std::array<uint8_t, qp::size> context = {}; /* what commands have set */
	Buffer buffer, record;
	ReceiveQueue receive; /* unless receives are shared */
	bool has_receive = false, shares_receive = false, has_send = false;
	uint64_t send_at = 0; /* offset of the send queue in the buffer */
	uint16_t sent = 0; /* blocks taken off the send queue; counts like the doorbell record */
	std::optional<Pending> pending;
	uint32_t last_atomic_psn = ~0u; /* for a request that comes again */
	uint64_t last_atomic = 0;

	uint32_t value(Field field) const { return static_cast<uint32_t>(get(context, field)); }
	uint32_t path(Field field) const { return value(field.at(qp::path_at)); }
	uint32_t pd() const { return value(qp::pd); }
	bool receives() const { return state == qp::State::rtr || state == qp::State::rts || state == qp::State::sq_error; }
	/* Counts a sequence number in the context on. */
	void advance(Field psn) { set(context, psn, (value(psn) + 1) & 0xffffff); }
};

/* What queue pairs work with. */
struct Surroundings {
	Bus &bus;
	const Knobs &knobs;
	Memory &memory;
	Events &events;
	Completions &completions;
	SharedQueues &shared;
	Wire &wire;
};

class QueuePairs : public Part
{
public:
	explicit QueuePairs(Surroundings &around) : around_(around) {}

	std::optional<Status> execute(Command &command) override;
	void reset() override { pairs_.clear(); }

	QueuePair *find(uint32_t number) { return pairs_.find(number); }
	auto begin() { return pairs_.begin(); }
	auto end() { return pairs_.end(); }

private:
	Status create(Command &command);
	Status modify(Command &command, QueuePair &pair);
	Status query(Command &command, const QueuePair &pair);

	Surroundings &around_;
	Table<QueuePair> pairs_{0x100};
};

} // namespace decouple::hca

#endif
