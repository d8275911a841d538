/* SPDX-License-Identifier: GPL-2.0-only */
/* A model of an HCA whose clock and steps the test turns by hand, and what a driver would set up on it. */
#ifndef DECOUPLE_SELFTESTS_HCA_NODE_H
#define DECOUPLE_SELFTESTS_HCA_NODE_H

#include <gtest/gtest.h>

#include <memory>

#include "function/function.h"
#include "hca-model/device.h"
#include "hca-model/fabric.h"
#include "hca-model/impaired_wire.h"

namespace decouple::hca
{

struct Free {
	void operator()(uint8_t *memory) const { std::free(memory); }
};
/* Pages. */
using Aligned = std::unique_ptr<uint8_t[], Free>;

inline Aligned aligned(size_t len)
{
	return Aligned(static_cast<uint8_t *>(std::aligned_alloc(4096, len)));
}

/* Memory at `base` and nowhere else: what the device touches beside it shows as refused. */
class Host : public Bus
{
public:
	static constexpr uint64_t base = 0x100000, size = 4 << 20;

	Host() : memory_(aligned(size)) { std::memset(memory_.get(), 0, size); }

	void *dma(uint64_t iova, uint64_t len) override
	{
		if (iova < base || iova - base > size || len > size - (iova - base)) {
			refused++;
			return nullptr;
		}
		return memory_.get() + (iova - base);
	}
	void msix(unsigned vector) override { interrupts.push_back(vector); }
	uint64_t now_ns() override { return clock_ns; }

	/* Fresh pages. */
	uint64_t allocate(uint64_t len)
	{
		const uint64_t at = next_;
		next_ += (len + 4095) & ~4095ull;
		EXPECT_LE(next_, base + size);
		return at;
	}
	uint8_t *at(uint64_t iova) { return memory_.get() + (iova - base); }

	uint64_t clock_ns = 1000000000;
	unsigned refused = 0;
	std::vector<unsigned> interrupts;

private:
	Aligned memory_;
	uint64_t next_ = base;
};

class Node
{
public:
	explicit Node(std::unique_ptr<Wire> wire, const Knobs &knobs = {})
	    : bar_(aligned(Device::bar_size)), wire_(std::move(wire)), device(host, bar(), *wire_, knobs)
	{
	}

	MutableBytes bar() { return {bar_.get(), Device::bar_size}; }
	uint16_t lid() const { return wire_->lid(); }

	/* Past the command interface. */
	unsigned run(Request &request)
	{
		device.execute(request.in, request.out);
		return request.answer(command::status);
	}
	unsigned run(Request &&request) { return run(request); }
	uint32_t make(Request &&request)
	{
		EXPECT_EQ(run(request), 0u) << opcode_info(static_cast<unsigned>(get(request.in, command::opcode)))->name;
		return request.number();
	}

	/* Entries of the event queue of this type, so far. */
	std::vector<std::vector<uint8_t>> events(eq::Event type)
	{
		std::vector<std::vector<uint8_t>> found;
		for (unsigned i = 0; i < 64; i++) {
			const uint8_t *entry = host.at(events_at_ + i * eq::entry_size);
			if (!(entry[eq::entry_size - 1] & 1) && entry[1] == static_cast<uint8_t>(type))
				found.emplace_back(entry, entry + eq::entry_size);
		}
		return found;
	}

	/* An event queue for all events, a domain, and a key for all memory. */
	void prepare()
	{
		events_at_ = host.allocate(4096);
		for (unsigned i = 0; i < 64; i++)
			host.at(events_at_)[i * eq::entry_size + eq::entry_size - 1] = 1;
		Request events(op_create_eq, command::pas_at + 8);
		events.put(eq::log_size.at(eq::at), 6);
		events.put(Field{0, 64}.at(eq::mask_at), ~1ull);
		events.put(Field{0, 64}.at(command::pas_at), events_at_);
		ASSERT_EQ(run(events), 0u);
		event_queue = events.answer(command::eq_number);
		domain = make(Request(op_alloc_pd));
		key = make_key(Host::base, Host::size);
	}

	/* All rights, on physical pages. */
	uint32_t make_key(uint64_t start, uint64_t len)
	{
		Request request(op_create_mkey, command::pas_at);
		for (Field field : {mkey::atomic, mkey::remote_write, mkey::remote_read, mkey::local_write, mkey::local_read})
			request.put(field.at(mkey::at), 1);
		request.put(mkey::key.at(mkey::at), 0x5a);
		request.put(mkey::pd.at(mkey::at), domain);
		request.put(mkey::start.at(mkey::at), start);
		request.put(mkey::length.at(mkey::at), len);
		return make(std::move(request)) << 8 | 0x5a;
	}

	Host host;
	uint32_t event_queue = 0, domain = 0, key = 0;

private:
	Aligned bar_;
	std::unique_ptr<Wire> wire_;
	uint64_t events_at_ = 0;

public:
	Device device;
};

/* A completion as a program finds it. */
struct Found {
	cqe::Kind kind;
	cqe::Syndrome syndrome;
	uint32_t length, immediate, counter;
};

/* A queue pair with a completion queue of 16 entries, 16 blocks to send from, 16 receives of one segment. */
class Endpoint
{
public:
	Endpoint(Node &node, qp::Service service, uint32_t shared = 0) : node_(node)
	{
		queue_at_ = node.host.allocate(4096);
		entries_at_ = node.host.allocate(4096);
		records_at_ = node.host.allocate(4096);
		for (unsigned i = 0; i < 16; i++)
			node.host.at(entries_at_)[i * cqe::size + cqe::owner_at] = 0xf1;
		Request completions(op_create_cq, command::pas_at + 8);
		completions.put(cq::log_size.at(cq::at), 4);
		completions.put(cq::eq_number.at(cq::at), node.event_queue);
		completions.put(cq::dbr_address.at(cq::at), records_at_ + 8);
		completions.put(Field{0, 64}.at(command::pas_at), entries_at_);
		completion_queue = node.make(std::move(completions));
		Request pair(op_create_qp, command::pas_at + 8);
		pair.put(qp::service.at(qp::at), static_cast<unsigned>(service));
		pair.put(qp::pd.at(qp::at), node.domain);
		pair.put(qp::log_rq_size.at(qp::at), 4);
		pair.put(qp::log_sq_size.at(qp::at), 4);
		pair.put(qp::send_cq.at(qp::at), completion_queue);
		pair.put(qp::receive_cq.at(qp::at), completion_queue);
		pair.put(qp::dbr_address.at(qp::at), records_at_);
		pair.put(Field{0, 64}.at(command::pas_at), queue_at_);
		if (shared) {
			pair.put(qp::rq_type.at(qp::at), qp::rq_shared);
			pair.put(qp::srq.at(qp::at), shared);
			send_at_ = 0;
		}
		number = node.make(std::move(pair));
	}

	Request modify(Opcode opcode) const
	{
		Request request(opcode, qp::at + qp::size);
		request.put(command::number, number);
		return request;
	}

	void connect(uint16_t lid, uint32_t target, unsigned rnr_retry = 7)
	{
		Request init = modify(op_rst2init_qp), rtr = modify(op_init2rtr_qp), rts = modify(op_rtr2rts_qp);
		for (Field field : {qp::remote_read, qp::remote_write, qp::remote_atomic})
			init.put(field.at(qp::at), 1);
		init.put(qp::q_key.at(qp::at), 0x1234);
		rtr.put(qp::remote_qp.at(qp::at), target);
		rtr.put(path::lid.at(qp::at + qp::path_at), lid);
		rtr.put(qp::min_rnr_timer.at(qp::at), 1);
		rts.put(qp::retry_count.at(qp::at), 3);
		rts.put(qp::rnr_retry.at(qp::at), rnr_retry);
		rts.put(path::ack_timeout.at(qp::at + qp::path_at), 1);
		for (Request *request : {&init, &rtr, &rts})
			ASSERT_EQ(node_.run(*request), 0u);
	}

	void receive(uint64_t address, uint32_t len, uint32_t key)
	{
		put_segment(queue_at_ + (received_++ % 16) * wqe::segment, address, len, key);
		store32(node_.host.at(records_at_), received_);
	}

	/* `segments`: 16 bytes each behind the first, in which only the opcode and that a completion is wanted stand. */
	void send(wqe::Opcode opcode, const std::vector<std::array<uint64_t, 2>> &segments, uint32_t immediate = 0)
	{
		/* One of two blocks at the end of the ring runs into the free memory behind: tests don't do that. */
		const MutableBytes entry(node_.host.at(queue_at_ + send_at_ + sent_ % 16 * wqe::block), 2 * wqe::block);
		std::ranges::fill(entry.first((1 + segments.size()) * wqe::segment), 0);
		set(entry, wqe::opcode, static_cast<unsigned>(opcode));
		set(entry, wqe::index, sent_);
		set(entry, wqe::segments, 1 + segments.size());
		set(entry, wqe::fence_and_flags, wqe::signalled);
		set(entry, wqe::immediate, immediate);
		for (unsigned i = 0; i < segments.size(); i++) {
			set(entry, Field{0, 64}.at((1 + i) * wqe::segment), segments[i][0]);
			set(entry, Field{64, 64}.at((1 + i) * wqe::segment), segments[i][1]);
		}
		sent_ += (1 + static_cast<unsigned>(segments.size()) + 3) / 4;
		store32(node_.host.at(records_at_ + 4), sent_);
	}
	std::array<uint64_t, 2> data(uint64_t address, uint32_t len) const
	{
		return {uint64_t(len) << 32 | node_.key, address};
	}

	std::optional<Found> poll()
	{
		const Bytes entry(node_.host.at(entries_at_ + polled_ % 16 * cqe::size), cqe::size);
		const uint8_t owner = entry[cqe::owner_at];
		if (owner >> 4 == 0xf || (owner & 1) != (polled_ >> 4 & 1))
			return std::nullopt;
		polled_++;
		store32(node_.host.at(records_at_ + 8), polled_);
		return Found{static_cast<cqe::Kind>(owner >> 4), static_cast<cqe::Syndrome>(get(entry, cqe::syndrome)),
			     static_cast<uint32_t>(get(entry, cqe::length)), static_cast<uint32_t>(get(entry, cqe::immediate)),
			     static_cast<uint32_t>(get(entry, cqe::wqe_counter))};
	}
	/* Arms the completion queue, `sequence` counts. */
	void arm(unsigned sequence) { store32(node_.host.at(records_at_ + 12), sequence << 28 | polled_); }

	void put_segment(uint64_t at, uint64_t address, uint32_t len, uint32_t key)
	{
		const MutableBytes segment(node_.host.at(at), wqe::segment);
		set(segment, wqe::byte_count, len);
		set(segment, wqe::local_key, key);
		set(segment, wqe::local, address);
	}

	uint32_t number = 0, completion_queue = 0;

private:
	Node &node_;
	uint64_t queue_at_, entries_at_, records_at_, send_at_ = 256;
	unsigned received_ = 0, sent_ = 0, polled_ = 0;
};

} // namespace decouple::hca

#endif
