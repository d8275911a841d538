/* SPDX-License-Identifier: GPL-2.0-only */
/* Receive queues: a queue pair's own (a ring), or shared by many (RMP: a linked list in a ring). */
#ifndef DECOUPLE_HCA_RECEIVE_H
#define DECOUPLE_HCA_RECEIVE_H

#include <vector>

#include "hca-model/event.h"

namespace decouple::hca
{

struct Segment {
	uint32_t length, key;
	uint64_t address;
	std::vector<uint8_t> inlined; /* instead of key and address */
};

struct ReceiveEntry {
	uint16_t index; /* as the completion names it */
	std::vector<Segment> segments;
};

class ReceiveQueue
{
public:
	ReceiveQueue() = default;
	ReceiveQueue(Buffer buffer, Buffer record, unsigned log_size, unsigned log_stride, bool linked)
	    : buffer_(std::move(buffer)), record_(std::move(record)), log_size_(log_size), log_stride_(log_stride),
	      linked_(linked)
	{
	}

	/* The oldest entry, off the queue; nullopt: none is posted. */
	std::optional<ReceiveEntry> take(Bus &bus);
	/* Entries posted and not taken. */
	uint16_t posted(Bus &bus) const;
	void reset() { taken_ = head_ = 0; }

private:
	Buffer buffer_, record_;
	unsigned log_size_ = 0, log_stride_ = 4;
	bool linked_ = false;
	uint16_t taken_ = 0; /* counts like the doorbell record */
	uint16_t head_ = 0; /* next entry of a linked list */
};

class SharedQueues : public Part
{
public:
	SharedQueues(Bus &bus, Memory &memory, Events &events) : bus_(bus), memory_(memory), events_(events) {}

	std::optional<Status> execute(Command &command) override;
	void reset() override { queues_.clear(); }

	bool exists(uint32_t number) { return queues_.find(number); }
	/* As ReceiveQueue::take(); sends the limit event when it leaves fewer than the armed limit. */
	std::optional<ReceiveEntry> take(uint32_t number);
	/* Protection domain of its memory. */
	uint32_t pd(uint32_t number);

private:
	struct Queue {
		ReceiveQueue entries;
		uint32_t pd;
		unsigned log_size, log_stride;
		uint16_t limit = 0; /* 0: not armed */
	};

	Status create(Command &command);
	Status modify(Command &command);
	Status query(Command &command);

	Bus &bus_;
	Memory &memory_;
	Events &events_;
	Table<Queue> queues_{1};
};

} // namespace decouple::hca

#endif
