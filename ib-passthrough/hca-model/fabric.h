/* SPDX-License-Identifier: GPL-2.0-only */
/* A wire between functions of one process. */
#ifndef DECOUPLE_HCA_FABRIC_H
#define DECOUPLE_HCA_FABRIC_H

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>

#include "hca-model/packet.h"

namespace decouple::hca
{

/* Must outlive its wires. Packets to a LID that nobody has are lost. */
class Fabric
{
public:
	std::unique_ptr<Wire> plug(uint16_t lid);

private:
	class End;
	struct Queue {
		std::deque<Packet> packets;
		std::condition_variable arrived;
	};

	std::mutex mutex_; /* protects all of it */
	std::map<uint16_t, Queue> queues_;
};

} // namespace decouple::hca

#endif
