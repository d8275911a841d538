// SPDX-License-Identifier: GPL-2.0-only
// timeout: 120
// The model of an HCA under a hostile driver and a hostile wire: commands that are almost right, mailboxes, queues, doorbell records
// and packets of noise. Whatever comes, every command gets a status, and nothing is touched beside what dma() gave: this program is
// built with the sanitizers, and each page of the host is an object of its own. SEED repeats a run, SOAK=1 makes it a hundred times as long.
#include <random>

#include "hca_node.h"

using namespace decouple;
using namespace decouple::hca;

namespace
{

constexpr uint64_t page_size = 4096;

class PagedHost : public Bus
{
public:
	static constexpr uint64_t base = 0x100000, pages = 64;

	PagedHost()
	{
		for (auto &page : pages_)
			page = aligned(page_size);
	}
	void *dma(uint64_t iova, uint64_t len) override
	{
		const uint64_t number = (iova - base) / page_size, inside = iova % page_size;
		if (iova < base || number >= pages || len > page_size - inside)
			return nullptr;
		return pages_[number].get() + inside;
	}
	void msix(unsigned) override {}
	uint64_t now_ns() override { return clock_ns += 1000; }

	uint8_t *page(uint64_t number) { return pages_[number].get(); }

	uint64_t clock_ns = 1;

private:
	std::array<Aligned, pages> pages_;
};

class Fuzz : public testing::Test
{
protected:
	/* Page 0 holds the slots, 1 to 15 mailboxes, 16 doorbell records, the others all else. */
	static constexpr uint64_t record_page = 16;

	Fuzz()
	    : seed_(std::getenv("SEED") ? std::strtoull(std::getenv("SEED"), nullptr, 0) : std::random_device()()),
	      random_(seed_), wire_(fabric_.plug(1)), peer_(fabric_.plug(2)), bar_(aligned(Device::bar_size)),
	      device_(host_, {bar_.get(), Device::bar_size}, *wire_, knobs())
	{
		std::printf("SEED=%llu\n", static_cast<unsigned long long>(seed_));
		store32(&bar_[init_segment::queue_low], PagedHost::base);
	}

	static Knobs knobs()
	{
		Knobs knobs;
		knobs.least_ack_timeout_ms = 0;
		knobs.link_up_ms = 1;
		return knobs;
	}

	uint64_t below(uint64_t limit) { return random_() % limit; }
	bool one_in(uint64_t n) { return !below(n); }
	uint64_t address() { return PagedHost::base + below(PagedHost::pages) * page_size; }
	/* A number as drivers and attackers like them. */
	uint64_t number()
	{
		switch (below(6)) {
		case 0:
			return below(4);
		case 1:
			return 0x40 + below(8);
		case 2:
			return 0x100 + below(8);
		case 3:
			return 1ull << below(64);
		case 4:
			return ~0ull << below(64);
		default:
			return address();
		}
	}
	void noise(MutableBytes bytes)
	{
		for (uint8_t &byte : bytes)
			byte = one_in(3) ? static_cast<uint8_t>(random_()) : 0;
		for (unsigned i = 0; i < 4; i++)
			set(bytes, {static_cast<unsigned>(below(bytes.size() / 4 + 1)) * 32, 64}, number());
	}

	Request almost_right();
	/* As a driver would, with noise in slot and mailboxes. */
	void by_slot(Request &request);
	void packet();
	void work();

	const uint64_t seed_;
	std::mt19937_64 random_;
	uint64_t asked_ = 0, unanswered_ = 0; /* commands by slot */
	PagedHost host_;
	Fabric fabric_;
	std::unique_ptr<Wire> wire_, peer_;
	Aligned bar_;
	Device device_;
};

/* A command that would do something, and then, mostly, something wrong in it. */
Request Fuzz::almost_right()
{
	static constexpr Opcode others[] = {
		op_query_hca_cap, op_init_hca,     op_enable_hca,
		op_query_pages,   op_manage_pages, op_set_hca_cap,
		op_query_mkey,    op_destroy_mkey, op_destroy_eq,
		op_query_eq,      op_destroy_cq,   op_query_cq,
		op_destroy_qp,    op_2err_qp,      op_2rst_qp,
		op_query_qp,      op_mad_ifc,      op_query_hca_vport,
		op_alloc_pd,      op_alloc_uar,    op_access_register,
		op_modify_rmp,    op_query_rmp,    op_destroy_umem,
		op_query_issi,    op_dealloc_pd,   op_query_hca_vport_gid,
		op_dealloc_uar,   op_destroy_rmp,  op_create_uctx,
	};
	Request request(others[below(std::size(others))], 16 + below(600), 16 + below(600));
	const auto context = [&request](Opcode opcode, size_t pages) {
		request = Request(opcode, command::pas_at + 8 * pages, 272);
	};
	switch (below(12)) {
	case 0:
		context(op_create_eq, 1);
		request.put(eq::log_size.at(eq::at), below(7));
		request.put(Field{0, 64}.at(eq::mask_at), ~0ull);
		break;
	case 1:
		context(op_create_cq, 1);
		request.put(cq::log_size.at(cq::at), below(7));
		request.put(cq::eq_number.at(cq::at), 2 + below(4));
		request.put(cq::dbr_address.at(cq::at), PagedHost::base + record_page * page_size + below(64) * 8);
		break;
	case 2:
		context(op_create_mkey, 2);
		for (unsigned bit = 0x11; bit <= 0x15; bit++)
			request.put(Field{bit, 1}.at(mkey::at), 1);
		request.put(mkey::access_mode.at(mkey::at), below(2));
		request.put(mkey::pd.at(mkey::at), 3);
		request.put(mkey::length64.at(mkey::at), below(2));
		request.put(mkey::length.at(mkey::at), below(3 * page_size));
		request.put(mkey::log_page_size.at(mkey::at), 12 + below(3));
		request.put(mkey::translations, 1);
		break;
	case 3:
		context(op_create_umem, 4);
		request.put(umem::count.at(umem::at), below(8));
		request.put(Field{0, 64}.at(umem::mtt_at), address());
		break;
	case 4:
	case 5:
		context(op_create_qp, 1);
		request.put(qp::service.at(qp::at), below(3));
		request.put(qp::pd.at(qp::at), 3);
		request.put(qp::log_rq_size.at(qp::at), below(6));
		request.put(qp::log_sq_size.at(qp::at), below(6));
		request.put(qp::send_cq.at(qp::at), 0x40 + below(4));
		request.put(qp::receive_cq.at(qp::at), 0x40 + below(4));
		request.put(qp::rq_type.at(qp::at), below(2));
		request.put(qp::srq.at(qp::at), 1 + below(3));
		request.put(qp::dbr_address.at(qp::at), PagedHost::base + record_page * page_size + below(64) * 8);
		break;
	case 6:
		context(op_create_rmp, 1);
		request.put(rmp::log_stride.at(rmp::wq_at), 5 + below(4));
		request.put(rmp::log_size.at(rmp::wq_at), below(6));
		request.put(rmp::dbr_address.at(rmp::wq_at), PagedHost::base + record_page * page_size + below(64) * 8);
		break;
	case 7:
	case 8:
	case 9: {
		static constexpr Opcode steps[] = {op_rst2init_qp, op_init2rtr_qp, op_rtr2rts_qp, op_rts2rts_qp,
						   op_init2init_qp};
		context(steps[below(std::size(steps))], 0);
		request.put(qp::opt_mask, random_());
		request.put(Field{qp::remote_read.bit, 3}.at(qp::at), 7);
		request.put(qp::remote_qp.at(qp::at), 0x100 + below(8));
		request.put(path::lid.at(qp::at + qp::path_at), 1 + below(2));
		break;
	}
	}
	if (request.in.size() > command::pas_at)
		for (size_t at = command::pas_at; at < request.in.size(); at += 8)
			request.put({static_cast<unsigned>(8 * at), 64}, address());
	if (request.answer(command::status) == 0 && one_in(2))
		request.put(command::number, one_in(2) ? 0x100 + below(8) : 1 + below(0x50));
	for (uint64_t spoils = one_in(2) ? 0 : 1 + below(3); spoils; spoils--)
		request.put({static_cast<unsigned>(below(request.in.size() / 4) * 32), 32}, number());
	if (one_in(20))
		request.in.resize(8 + below(64));
	if (one_in(20))
		request.out.resize(8 + below(64));
	return request;
}

void Fuzz::by_slot(Request &request)
{
	const uint64_t chain = PagedHost::base + page_size;
	const auto box = [&](size_t i) { return MutableBytes(host_.page(1 + i / 4 % 15) + i % 4 * 1024, mailbox::size); };
	for (size_t i = 0; i < 60; i++) {
		set(box(i), mailbox::next, chain + (i + 1) % 60 * 1024);
		set(box(i), mailbox::block_number, i);
		set(box(i), mailbox::token, 1);
	}
	const unsigned slot = static_cast<unsigned>(below(32));
	const MutableBytes entry(host_.page(0) + slot * slot::size, slot::size);
	std::ranges::fill(entry, 0);
	set(entry, slot::type, slot::pci_transport);
	set(entry, slot::token, 1);
	set(entry, slot::input_length, request.in.size());
	set(entry, slot::output_length, request.out.size());
	set(entry, slot::input_mailbox, chain);
	set(entry, slot::output_mailbox, chain);
	std::ranges::copy(Bytes(request.in).first(std::min<size_t>(request.in.size(), 16)), &entry[slot::input_at]);
	for (size_t at = 16, i = 0; at < request.in.size() && i < 60; at += 512, i++)
		std::ranges::copy(Bytes(request.in).subspan(at, std::min<size_t>(request.in.size() - at, 512)), box(i).begin());
	if (one_in(3))
		set(entry, {static_cast<unsigned>(below(14)) * 32, 32}, number());
	if (one_in(3))
		noise(box(below(4)));
	entry[slot::status_at] = 1;
	store32(&bar_[init_segment::doorbell], 1u << slot | (one_in(4) ? static_cast<uint32_t>(random_()) : 0));
	store32(&bar_[init_segment::queue_low], PagedHost::base);
	device_.step();
	asked_++;
	unanswered_ += entry[slot::status_at] & 1;
}

void Fuzz::packet()
{
	Packet packet = {};
	noise({reinterpret_cast<uint8_t *>(&packet.header), sizeof(packet.header)});
	packet.header.kind = static_cast<PacketKind>(below(5));
	packet.header.service = static_cast<qp::Service>(below(3));
	packet.header.target_lid = 1;
	packet.header.source_qp = 0x100 + static_cast<uint32_t>(below(8));
	packet.header.target_qp = 0x100 + static_cast<uint32_t>(below(8));
	packet.header.psn = static_cast<uint32_t>(below(4));
	packet.header.length = static_cast<uint32_t>(below(2 * page_size));
	if (one_in(2))
		packet.header.opcode = static_cast<wqe::Opcode>(8 + below(11));
	if (one_in(2))
		packet.header.key = (0x10 + static_cast<uint32_t>(below(8))) << 8;
	packet.payload.resize(below(2 * page_size));
	peer_->send(std::move(packet));
}

/* Noise in the host's memory, where queues are, and in records and doorbells. */
void Fuzz::work()
{
	noise({host_.page(below(PagedHost::pages)), page_size});
	for (unsigned i = 0; i < 8; i++)
		store32(host_.page(record_page) + below(page_size / 4) * 4,
			static_cast<uint32_t>(below(one_in(8) ? 1 << 16 : 40)));
	store32(&bar_[(8 + below(8)) * uar::page_size + uar::cq_arm], static_cast<uint32_t>(random_()));
	host_.clock_ns += below(1000000);
	while (peer_->receive())
		;
}

TEST_F(Fuzz, NothingBreaksIt)
{
	static constexpr unsigned known[] = {0, 2, 3, 4, 5, 6, 8, 9, 0x10, 0x50, 0x51};
	const uint64_t rounds = std::getenv("SOAK") ? 4000000 : 40000;
	uint64_t good = 0;
	for (uint64_t i = 0; i < rounds && !HasFatalFailure(); i++) {
		Request request = almost_right();
		if (one_in(3)) {
			by_slot(request);
		} else {
			device_.execute(request.in, request.out);
			const auto status = request.answer(command::status);
			ASSERT_NE(std::ranges::find(known, status), std::end(known)) << "status " << status;
			good += !status;
		}
		if (one_in(4))
			packet();
		if (one_in(4))
			work();
		if (one_in(2))
			device_.step();
		/* Now and then a fresh start: a device that is full teaches nothing. */
		if (one_in(1000)) {
			Request teardown(op_teardown_hca), domain(op_alloc_pd);
			device_.execute(teardown.in, teardown.out);
			device_.execute(domain.in, domain.out);
		}
	}
	std::printf("%llu of the commands were good\n", static_cast<unsigned long long>(good));
	EXPECT_GT(good, rounds / 20);
	/* A slot is memory like all other: now and then a queue that lies there, or the output of another command, writes over an answer. */
	EXPECT_LT(unanswered_, asked_ / 50);
}

} // namespace
