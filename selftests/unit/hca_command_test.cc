// SPDX-License-Identifier: GPL-2.0-only
// The model of an HCA: the command interface, lifecycle and port; and our driver's side of the interface against it.
#include "function/iova_space.h"
#include "hca-model/machine.h"
#include "hca_node.h"

using namespace decouple;
using namespace decouple::hca;

namespace
{

class Commands : public testing::Test
{
protected:
	explicit Commands(const Knobs &knobs = {}) : node_(fabric_.plug(5), knobs)
	{
		slots_ = node_.host.allocate(4096);
		input_ = node_.host.allocate(16 << 10);
		output_ = node_.host.allocate(16 << 10);
		store32(&node_.bar()[init_segment::queue_low], static_cast<uint32_t>(slots_));
	}

	MutableBytes slot(unsigned number) { return {node_.host.at(slots_ + number * slot::size), slot::size}; }
	MutableBytes box(uint64_t chain, unsigned number) { return {node_.host.at(chain + number * 1024), mailbox::size}; }

	/* Lays a command out; mailboxes are linked for 16 each way. */
	void lay(unsigned number, Bytes in, size_t out_len)
	{
		for (uint64_t chain : {input_, output_})
			for (unsigned i = 0; i < 16; i++) {
				std::ranges::fill(box(chain, i), 0);
				set(box(chain, i), mailbox::next, chain + (i + 1) * 1024);
				set(box(chain, i), mailbox::block_number, i);
				set(box(chain, i), mailbox::token, 0x77);
			}
		const MutableBytes entry = slot(number);
		std::ranges::fill(entry, 0);
		set(entry, slot::type, slot::pci_transport);
		set(entry, slot::token, 0x77);
		set(entry, slot::input_length, in.size());
		set(entry, slot::output_length, out_len);
		set(entry, slot::input_mailbox, input_);
		set(entry, slot::output_mailbox, output_);
		std::ranges::copy(in.first(std::min<size_t>(in.size(), 16)), &entry[slot::input_at]);
		for (size_t at = 16; at < in.size(); at += 512)
			std::ranges::copy(in.subspan(at, std::min<size_t>(in.size() - at, 512)),
					  box(input_, static_cast<unsigned>(at / 512)).begin());
		entry[slot::status_at] = 1;
	}
	void ring(uint32_t slots)
	{
		store32(&node_.bar()[init_segment::doorbell], slots);
		node_.device.step();
	}
	Delivery delivery(unsigned number) { return static_cast<Delivery>(slot(number)[slot::status_at] >> 1); }
	bool done(unsigned number) { return !(slot(number)[slot::status_at] & 1); }
	unsigned status(unsigned number) { return slot(number)[slot::output_at]; }

	Fabric fabric_;
	Node node_;
	uint64_t slots_, input_, output_;
};

uint8_t folded(Bytes bytes)
{
	uint8_t sum = 0;
	for (uint8_t byte : bytes)
		sum ^= byte;
	return sum;
}

TEST_F(Commands, ThroughMailboxes)
{
	Request query(op_query_hca_cap, 16, command::header + 4096);
	query.put(command::op_mod, 1);
	lay(3, query.in, query.out.size());
	ring(1 << 3);
	ASSERT_TRUE(done(3));
	EXPECT_EQ(delivery(3), Delivery::ok);
	EXPECT_EQ(status(3), 0u);
	/* The capabilities start with the first mailbox. */
	EXPECT_EQ(get(box(output_, 0), capability::num_ports), 1u);
	EXPECT_EQ(get(box(output_, 0), capability::umem_uid_0), 1u);
	EXPECT_EQ(folded(slot(3)), 0xff);
	EXPECT_EQ(folded(box(output_, 7)), 0xff);
	EXPECT_EQ(load32(&node_.bar()[init_segment::doorbell]), 0u);
	/* The register keeps its sizes whatever a driver writes there. */
	EXPECT_EQ(load32(&node_.bar()[init_segment::queue_low]) & 0xff, 0x56u);
	EXPECT_EQ(node_.host.refused, 0u);
}

TEST_F(Commands, ManySlotsAtOnce)
{
	Request nop(op_nop), unknown(static_cast<Opcode>(0xfff));
	lay(0, nop.in, 16);
	lay(31, unknown.in, 16);
	lay(7, nop.in, 16);
	slot(7)[slot::status_at] = 0; /* the driver's */
	ring(~0u);
	EXPECT_TRUE(done(0) && done(31));
	EXPECT_EQ(status(0), 0u);
	EXPECT_EQ(status(31), static_cast<unsigned>(Status::bad_opcode));
	EXPECT_EQ(status(7), 0u);
}

TEST_F(Commands, BadChains)
{
	const Request set_cap(op_set_hca_cap, command::header + 4096);
	const auto attempt = [&](auto spoil) {
		lay(0, set_cap.in, 1000);
		spoil();
		ring(1);
		EXPECT_TRUE(done(0));
		return delivery(0);
	};
	EXPECT_EQ(attempt([] {}), Delivery::ok);
	EXPECT_EQ(attempt([&] { set(box(input_, 3), mailbox::token, 0x78); }), Delivery::token);
	EXPECT_EQ(attempt([&] { set(box(input_, 3), mailbox::block_number, 4); }), Delivery::block_number);
	EXPECT_EQ(attempt([&] { set(box(input_, 3), mailbox::next, input_); }), Delivery::block_number); /* a loop */
	EXPECT_EQ(attempt([&] { set(box(input_, 3), mailbox::next, 0); }), Delivery::input_pointer);
	EXPECT_EQ(attempt([&] { set(slot(0), slot::input_mailbox, input_ + 8); }), Delivery::input_pointer);
	EXPECT_EQ(attempt([&] { set(slot(0), slot::output_mailbox, ~0ull << 9); }), Delivery::output_pointer);
	EXPECT_EQ(attempt([&] { set(slot(0), slot::input_length, ~0u); }), Delivery::input_length);
	EXPECT_EQ(attempt([&] { set(slot(0), slot::output_length, 4); }), Delivery::output_length);
	EXPECT_EQ(attempt([&] { set(slot(0), slot::type, 6); }), Delivery::descriptor);
}

TEST_F(Commands, ShortCommands)
{
	lay(0, Request(op_create_qp, 100).in, 16);
	lay(1, Request(op_query_qp).in, 16);
	ring(3);
	EXPECT_EQ(status(0), static_cast<unsigned>(Status::bad_input_length));
	EXPECT_EQ(status(1), static_cast<unsigned>(Status::bad_output_length));
}

class SignedCommands : public Commands
{
protected:
	SignedCommands() : Commands({.check_signatures = 1}) {}
};

TEST_F(SignedCommands, AreChecked)
{
	lay(0, Request(op_nop).in, 16);
	ring(1);
	EXPECT_EQ(delivery(0), Delivery::signature);
	lay(0, Request(op_nop).in, 16);
	slot(0)[slot::signature_at] = static_cast<uint8_t>(~folded(slot(0)));
	ring(1);
	EXPECT_EQ(delivery(0), Delivery::ok);
}

class SlowCommands : public Commands
{
protected:
	SlowCommands() : Commands({.command_delay_us = 100}) {}
};

TEST_F(SlowCommands, TakeTheirTime)
{
	lay(0, Request(op_nop).in, 16);
	ring(1);
	EXPECT_FALSE(done(0));
	node_.host.clock_ns += 100000;
	node_.device.step();
	EXPECT_TRUE(done(0));
}

class FailingCommands : public Commands
{
protected:
	FailingCommands() : Commands({.fail_opcode = op_alloc_pd, .fail_status = 8, .fail_after = 1}) {}
};

TEST_F(FailingCommands, FailAsAsked)
{
	EXPECT_EQ(node_.run(Request(op_alloc_pd)), 0u);
	EXPECT_EQ(node_.run(Request(op_alloc_pd)), 8u);
	EXPECT_EQ(node_.run(Request(op_alloc_uar)), 0u);
}

TEST_F(Commands, PagesGoAndCome)
{
	const uint64_t page = node_.host.allocate(4096);
	Request give(op_manage_pages, 24), refused(op_manage_pages, 24), take(op_manage_pages, 16, 32);
	give.put(command::op_mod, 1);
	give.put(pages::count, 1);
	give.put(Field{0, 64}.at(command::header), page);
	EXPECT_EQ(node_.run(give), 0u);
	refused.put(command::op_mod, 1);
	refused.put(pages::count, 1);
	refused.put(Field{0, 64}.at(command::header), 0x1000);
	EXPECT_EQ(node_.run(refused), static_cast<unsigned>(Status::bad_parameter));
	take.put(command::op_mod, 2);
	take.put(pages::count, 2);
	EXPECT_EQ(node_.run(take), 0u);
	EXPECT_EQ(take.answer(pages::taken), 1u);
	EXPECT_EQ(get(take.out, Field{0, 64}.at(command::header)), page);
}

TEST_F(Commands, PortTakesTime)
{
	node_.prepare();
	const auto state = [&] {
		Request query(op_query_hca_vport, 16, port::vport_at + 512);
		EXPECT_EQ(node_.run(query), 0u);
		node_.device.step();
		return static_cast<port::State>(query.answer(port::vport_state.at(port::vport_at)));
	};
	Request up(op_access_register, 32, 32);
	up.put(port::register_id, port::paos);
	up.put(port::admin.at(port::register_at), port::admin_up);
	up.put(port::admin_set.at(port::register_at), 1);
	ASSERT_EQ(node_.run(up), 0u);
	EXPECT_EQ(up.answer(port::oper.at(port::register_at)), port::admin_down);
	EXPECT_EQ(state(), port::State::down);
	node_.host.clock_ns += 20000000;
	node_.device.step();
	EXPECT_EQ(state(), port::State::init);
	node_.host.clock_ns += 100000000;
	node_.device.step();
	EXPECT_EQ(state(), port::State::active);
	EXPECT_EQ(node_.events(eq::Event::port).size(), 2u);
	EXPECT_EQ(node_.host.interrupts.size(), 2u);
}

TEST_F(Commands, TeardownLetsGo)
{
	node_.prepare();
	const uint32_t domain = node_.make(Request(op_alloc_pd));
	EXPECT_EQ(node_.run(Request(op_teardown_hca)), 0u);
	Request free(op_dealloc_pd);
	free.put(command::number, domain);
	EXPECT_EQ(node_.run(free), static_cast<unsigned>(Status::bad_resource));
}

TEST(Addresses, AreFoundAgain)
{
	IovaSpace space(0x1000, 0x3fff);
	EXPECT_EQ(space.take(0x1000), 0x1000u);
	EXPECT_EQ(space.take(0x2000), 0x2000u);
	EXPECT_FALSE(space.take(0x1000));
	space.give(0x1000);
	EXPECT_FALSE(space.take(0x2000));
	EXPECT_EQ(space.take(0x1000), 0x1000u);
}

TEST(Mappings, AreExact)
{
	alignas(4096) static uint8_t memory[3 * 4096];
	DmaMap map;
	EXPECT_EQ(map.map(0x10000, memory, 2 * 4096), 0);
	EXPECT_EQ(map.map(0x11000, memory, 4096), EEXIST);
	EXPECT_EQ(map.map(0xf000, memory, 2 * 4096), EEXIST);
	EXPECT_EQ(map.map(0x20800, memory, 4096), EINVAL);
	EXPECT_EQ(map.map(~0xfffull, memory, 2 * 4096), EINVAL);
	EXPECT_EQ(map.find(0x10001, 2 * 4096 - 1), memory + 1);
	EXPECT_EQ(map.find(0x10001, 2 * 4096), nullptr);
	EXPECT_EQ(map.find(0xffff, 1), nullptr);
	EXPECT_EQ(map.unmap(0x10000, 4096), EINVAL);
	EXPECT_EQ(map.unmap(0x10000, 2 * 4096), 0);
	EXPECT_EQ(map.find(0x10000, 1), nullptr);
}

} // namespace
