/* SPDX-License-Identifier: GPL-2.0-only */
/* An entry of a send queue, taken apart. */
#ifndef DECOUPLE_HCA_SEND_ENTRY_H
#define DECOUPLE_HCA_SEND_ENTRY_H

#include "hca-model/receive.h"

namespace decouple::hca
{

struct SendEntry {
	wqe::Opcode opcode;
	uint16_t index; /* as the completion names it */
	unsigned blocks; /* of the queue */
	bool signalled, solicited;
	uint32_t immediate; /* the bytes as they stand there */
	uint64_t address = 0, swap_add = 0, compare = 0;
	uint32_t key = 0; /* remote key, or Q_Key of a datagram */
	uint32_t target_qp = 0, target_lid = 0; /* of a datagram */
	std::vector<Segment> segments;
	uint64_t length = 0; /* of the segments together */

	bool is_read() const { return opcode == wqe::Opcode::read; }
	bool is_atomic() const { return opcode == wqe::Opcode::compare_swap || opcode == wqe::Opcode::fetch_add; }
	bool is_write() const { return opcode == wqe::Opcode::write || opcode == wqe::Opcode::write_immediate; }
	bool is_send() const { return opcode == wqe::Opcode::send || opcode == wqe::Opcode::send_immediate; }
};

/* Blocks that the entry with this first block takes; at least one, so that a queue of nonsense comes to its end. */
unsigned send_entry_blocks(Bytes block);

/*
 * What the segments say. False: an operation that this service does not have, or segments that end beyond the entry; then only the
 * fields that a completion needs are good.
 */
bool parse_send_entry(Bytes bytes, qp::Service service, SendEntry &entry);

} // namespace decouple::hca

#endif
