/* SPDX-License-Identifier: GPL-2.0-only */
/* The sending half of queue pairs. */
#ifndef DECOUPLE_HCA_REQUESTER_H
#define DECOUPLE_HCA_REQUESTER_H

#include "hca-model/queue_pair.h"

namespace decouple::hca
{

class Requester
{
public:
	explicit Requester(Surroundings &around) : around_(around) {}

	/* Sends what is posted, again what got no answer; flushes a pair in error. True: there was work. */
	bool step(QueuePair &pair);
	/* An answer to a request of this pair has come. */
	void answer(QueuePair &pair, const Packet &packet);

private:
	/* The next posted entry, off the queue; false: there is none. `parsed`: see parse_send_entry(). */
	bool take(QueuePair &pair, SendEntry &entry, bool &parsed);
	void start(QueuePair &pair, SendEntry &&entry);
	bool gather(const QueuePair &pair, const SendEntry &entry, std::vector<uint8_t> &payload);
	bool scatter(const QueuePair &pair, const SendEntry &entry, Bytes data);
	bool repeat(QueuePair &pair);
	uint64_t answer_due(const QueuePair &pair);
	void complete(QueuePair &pair, const SendEntry &entry);
	/* Completes with an error, from which the pair does not recover. */
	void fail(QueuePair &pair, const SendEntry &entry, cqe::Syndrome syndrome);

	Surroundings &around_;
};

} // namespace decouple::hca

#endif
