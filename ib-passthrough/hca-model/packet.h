/* SPDX-License-Identifier: GPL-2.0-only */
/* What travels between functions. A message is one packet, whatever its size: the model knows no path MTU. */
#ifndef DECOUPLE_HCA_PACKET_H
#define DECOUPLE_HCA_PACKET_H

#include <cstdint>
#include <optional>
#include <vector>

#include "prm/fields.h"

namespace decouple::hca
{

enum class PacketKind : uint8_t { request, acknowledge, not_ready, refusal };

/* In the byte order of the host: both ends are this code, on one machine. */
struct PacketHeader {
	PacketKind kind;
	wqe::Opcode opcode; /* of the request */
	qp::Service service;
	uint8_t solicited;
	cqe::Syndrome syndrome; /* of a refusal */
	uint8_t rnr_timer; /* of not_ready: how long to wait, coded as in the context */
	uint16_t source_lid, target_lid;
	uint8_t in_file; /* the payload comes in a file; the wire's own */
	uint8_t reserved;
	uint32_t source_qp, target_qp;
	uint32_t psn; /* 24 bits; counts messages */
	uint32_t immediate, key; /* key: remote key or Q_Key */
	uint32_t length; /* of what a read asks for */
	uint32_t payload; /* bytes that follow */
	uint64_t address, swap_add, compare;
};

struct Packet {
	PacketHeader header;
	std::vector<uint8_t> payload;
};

/* The cable. Used by the device's thread alone. */
class Wire
{
public:
	virtual ~Wire() = default;
	virtual uint16_t lid() const = 0;
	/* To header.target_lid; may be lost. header.source_lid and .payload are filled in here. */
	virtual void send(Packet &&packet) = 0;
	virtual std::optional<Packet> receive() = 0;
	/* Sleeps until a packet may have come, at most so long. */
	virtual void wait(uint64_t timeout_ns) = 0;
};

} // namespace decouple::hca

#endif
