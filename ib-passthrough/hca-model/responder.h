/* SPDX-License-Identifier: GPL-2.0-only */
/* The receiving half of queue pairs. */
#ifndef DECOUPLE_HCA_RESPONDER_H
#define DECOUPLE_HCA_RESPONDER_H

#include "hca-model/queue_pair.h"

namespace decouple::hca
{

class Responder
{
public:
	explicit Responder(Surroundings &around) : around_(around) {}

	/* A request to this pair has come. */
	void request(QueuePair &pair, const Packet &packet);
	/* Flushes the receives of a pair in error. True: there were some. */
	bool flush(QueuePair &pair);

private:
	/* How a request ended. `refusal`: none, or what the requester is told; the pair's own completion, if any, is written. */
	struct Outcome {
		bool ready = true;
		cqe::Syndrome refusal = cqe::Syndrome::none;
		std::vector<uint8_t> data = {}; /* of a read or an atomic operation */
	};

	Outcome perform(QueuePair &pair, const Packet &packet);
	Outcome read(QueuePair &pair, const PacketHeader &header);
	Outcome atomic(QueuePair &pair, const PacketHeader &header);
	Outcome receive(QueuePair &pair, const Packet &packet);
	std::optional<ReceiveEntry> take(QueuePair &pair);
	/* None, or the pair's own syndrome. */
	cqe::Syndrome scatter(QueuePair &pair, const ReceiveEntry &entry, Bytes data);
	void complete(QueuePair &pair, const ReceiveEntry &entry, const Packet &packet);
	void fail(QueuePair &pair, const ReceiveEntry &entry, cqe::Syndrome syndrome);
	void reply(const QueuePair &pair, const PacketHeader &request, Outcome &&outcome);

	Surroundings &around_;
};

} // namespace decouple::hca

#endif
