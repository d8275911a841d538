/* SPDX-License-Identifier: GPL-2.0-only */
/* normalise(): the application's state from that of a vCPU stopped anywhere in guest code. */
#include "vmm-lite/state.cc"
#include <gtest/gtest.h>
#include <vector>

namespace decouple
{
namespace
{

constexpr u64 entry = 0xffffff8002000000, stack_va = entry + DECOUPLE_VCPU_OFF_STACK;
constexpr u64 traps = DECOUPLE_STUB_VA + DECOUPLE_STUB_OFF_TRAPS;
constexpr u64 garbage = 0xbadbadbadbadbad;
/* The application: its SYSCALL instruction ends at user_rip. */
constexpr u64 user_rip = 0x401234, user_rsp = 0x7ffffffde010, user_flags = 0x246, user_rax = 0xabcdef0000000027;

class NormaliseTest : public ::testing::Test
{
protected:
	NormaliseTest() : stack_(page_size / 8)
	{
		view.entry = entry;
		view.rsp_saved = entry + 0x40;
		view.rax_gone = entry + 0x50;
		view.published = entry + 0x58;
		view.entry_end = entry + 0xa0;
		view.traps = traps;
		view.iret = traps + DECOUPLE_TRAP_IRET;
		view.wake = traps + DECOUPLE_TRAP_WAKE;
		view.traps_end = view.wake + 0x40;
		view.stack = reinterpret_cast<const u8 *>(stack_.data());
		view.stack_va = stack_va;
		view.slot = &slot;
		slot.req_seq = slot.rep_seq = 41;
		slot.ret = slot.saved_rax = slot.saved_rsp = garbage;
	}

	/* Stopped in the entry: what it has done until `rip` is done, what it will do is not. */
	Position stop_in_entry(u64 rip, bool served)
	{
		g = {};
		struct kvm_regs &r = g.regs;
		r.rip = rip;
		r.rcx = user_rip;
		r.r11 = user_flags;
		r.rflags = 0x93; /* arithmetic of the entry's own */
		r.rsp = user_rsp;
		r.rax = user_rax;
		r.rbx = 0x1b, r.rdx = 0x1d, r.rsi = 0x51, r.rdi = 0xd1, r.rbp = 0xb9;
		r.r8 = 8, r.r9 = 9, r.r10 = 10, r.r12 = 12, r.r13 = 13, r.r14 = 14, r.r15 = 15;
		if (rip >= view.rsp_saved) {
			slot.saved_rsp = user_rsp;
			slot.saved_rax = user_rax;
			r.rsp = 1000; /* polls left */
		}
		if (rip >= view.rax_gone)
			r.rax = slot.req_seq;
		if (rip >= view.published)
			slot.req_seq = 42;
		if (served) {
			slot.rep_seq = slot.req_seq;
			slot.ret = 0x1122334455667788;
		}
		before = g.regs;
		return normalise(g, view);
	}

	void expect_user_registers(u64 rip, u64 rax)
	{
		const struct kvm_regs &r = g.regs;
		EXPECT_EQ(r.rip, rip);
		EXPECT_EQ(r.rax, rax);
		EXPECT_EQ(r.rsp, user_rsp);
		EXPECT_EQ(r.rflags, user_flags);
		struct kvm_regs same = r;
		same.rip = before.rip, same.rax = before.rax, same.rsp = before.rsp, same.rflags = before.rflags;
		EXPECT_EQ(memcmp(&same, &before, sizeof(same)), 0) << "another register was changed";
	}

	/* An interrupt frame at byte `offset` of the ring-0 stack page. Returns the RSP that points to it. */
	u64 push_frame(u64 offset, u64 rip, const u64 *error_code)
	{
		u64 *f = &stack_[offset / 8];
		if (error_code)
			*f++ = *error_code;
		f[0] = rip, f[1] = DECOUPLE_SEL_UCODE;
		if (f + 4 < stack_.data() + stack_.size())
			f[2] = 0x10287, f[3] = user_rsp, f[4] = DECOUPLE_SEL_UDATA;
		return stack_va + offset;
	}

	/* Stopped in the stub of `vector`, behind `done` bytes of it. */
	Position stop_in_trap(u32 vector, u64 rip, u64 done = 0)
	{
		u64 error = 0xe0 + vector;
		bool has = vector_has_error_code(vector);
		g = {};
		g.error_code = garbage;
		g.regs.rip = traps + vector * DECOUPLE_TRAP_STRIDE + done;
		g.regs.rsp = push_frame(page_size - (has ? 48 : 40), rip, has ? &error : nullptr);
		g.regs.rflags = 2;
		g.regs.rax = 0xaa, g.regs.rcx = user_rip, g.regs.r11 = user_flags;
		return normalise(g, view);
	}

	/* Stopped in the handler of DECOUPLE_VECTOR_WAKE, which came at `rip`; it has pushed what RAX was. */
	Position stop_in_wake(u64 rip, bool pushed, u64 rsp = user_rsp)
	{
		constexpr u64 top = page_size - 40;
		g = {};
		g.regs.rip = view.wake + (pushed ? 9 : 0);
		g.regs.rsp = push_frame(top, rip, nullptr) - (pushed ? 8 : 0);
		g.regs.rax = pushed ? garbage : user_rax;
		stack_[top / 8 - 1] = pushed ? user_rax : garbage;
		stack_[top / 8 + 3] = rsp;
		g.regs.rcx = user_rip, g.regs.r11 = user_flags, g.regs.rdx = 0x1d;
		return normalise(g, view);
	}

	StubView view;
	struct decouple_slot slot = {};
	GuestState g = {};
	struct kvm_regs before;

private:
	std::vector<u64> stack_;
};

TEST_F(NormaliseTest, UserCodeStaysAsItIs)
{
	g.regs.rip = user_rip, g.regs.rsp = user_rsp, g.regs.rax = 1, g.regs.rflags = 0x246;
	g.vector = 14;
	before = g.regs;
	EXPECT_EQ(normalise(g, view), Position::user);
	EXPECT_EQ(memcmp(&before, &g.regs, sizeof(before)), 0);
	EXPECT_EQ(g.vector, no_vector);
	g.regs.rip = 0x7fffffffffff;
	EXPECT_EQ(normalise(g, view), Position::user);
}

TEST_F(NormaliseTest, EntryBeforePublicationIsACallNotMade)
{
	for (u64 rip = entry; rip < view.published; rip++) {
		SCOPED_TRACE(rip - entry);
		EXPECT_EQ(stop_in_entry(rip, false), Position::call_pending);
		expect_user_registers(user_rip - 2, user_rax);
		EXPECT_EQ(g.vector, no_vector);
	}
}

TEST_F(NormaliseTest, EntryBeforePublicationIgnoresTheLastCallsReply)
{
	/* The sequence numbers are equal there because the last call was answered. */
	slot.ret = 0xdead;
	for (u64 rip : {view.entry, view.rsp_saved, view.rax_gone, view.published - 1}) {
		SCOPED_TRACE(rip - entry);
		ASSERT_EQ(slot.rep_seq, slot.req_seq);
		EXPECT_EQ(stop_in_entry(rip, false), Position::call_pending);
		EXPECT_EQ(g.regs.rax, user_rax);
	}
}

TEST_F(NormaliseTest, PublishedButUnservedIsTakenBack)
{
	for (u64 rip = view.published; rip < view.entry_end; rip++) {
		SCOPED_TRACE(rip - entry);
		slot.rep_seq = 41;
		EXPECT_EQ(stop_in_entry(rip, false), Position::call_pending);
		expect_user_registers(user_rip - 2, user_rax);
	}
}

TEST_F(NormaliseTest, PublishedAndServedReturns)
{
	for (u64 rip = view.published; rip < view.entry_end; rip++) {
		SCOPED_TRACE(rip - entry);
		EXPECT_EQ(stop_in_entry(rip, true), Position::user);
		expect_user_registers(user_rip, 0x1122334455667788);
	}
}

TEST_F(NormaliseTest, ALoadedStateIsTheExchanges)
{
	slot.reply = DECOUPLE_REPLY_LOAD;
	for (u64 rip = view.published; rip < view.entry_end; rip++) {
		SCOPED_TRACE(rip - entry);
		EXPECT_EQ(stop_in_entry(rip, true), Position::loading);
		EXPECT_EQ(memcmp(&g.regs, &before, sizeof(before)), 0) << "the registers are the stub's own";
	}
	for (u64 rip : {view.entry, view.rsp_saved, view.rax_gone}) {
		SCOPED_TRACE(rip - entry);
		EXPECT_EQ(stop_in_entry(rip, true), Position::call_pending) << "the next call already";
	}
}

TEST_F(NormaliseTest, SequenceNumbersWrap)
{
	g.regs.rip = view.published, g.regs.rcx = user_rip;
	slot.req_seq = 0, slot.rep_seq = ~0u;
	EXPECT_EQ(normalise(g, view), Position::call_pending);
	g.regs.rip = view.published;
	slot.rep_seq = 0;
	EXPECT_EQ(normalise(g, view), Position::user);
}

TEST_F(NormaliseTest, BehindTheEntryIsLost)
{
	g.regs.rip = view.entry_end;
	EXPECT_EQ(normalise(g, view), Position::lost);
	g.regs.rip = entry - 1;
	EXPECT_EQ(normalise(g, view), Position::lost);
}

TEST(VectorTest, ErrorCodes)
{
	for (u32 v = 0; v < 256; v++) {
		bool has = v == 8 || v == 10 || v == 11 || v == 12 || v == 13 || v == 14 || v == 17 || v == 21 || v == 29 ||
			   v == 30;
		EXPECT_EQ(vector_has_error_code(v), has) << v;
	}
}

TEST_F(NormaliseTest, EveryVectorAtBothInstructionsOfItsStub)
{
	for (u32 v = 0; v < 256; v++)
		for (u64 done : {0, 2, DECOUPLE_TRAP_STRIDE - 1}) {
			SCOPED_TRACE(v);
			u64 length = v == 3 ? 1 : v == 4 || v == 0x80 ? 2 : 0;
			EXPECT_EQ(stop_in_trap(v, user_rip, done), Position::trap);
			EXPECT_EQ(g.vector, v);
			EXPECT_EQ(g.error_code, vector_has_error_code(v) ? 0xe0 + v : 0);
			EXPECT_EQ(g.trap_rip, user_rip);
			EXPECT_EQ(g.regs.rip, user_rip - length);
			EXPECT_EQ(g.regs.rsp, user_rsp);
			EXPECT_EQ(g.regs.rflags, 0x10287u);
			EXPECT_EQ(g.regs.rax, 0xaau);
			EXPECT_EQ(g.regs.rcx, user_rip);
			EXPECT_EQ(g.regs.r11, user_flags);
		}
}

TEST_F(NormaliseTest, TrapInTheEntryIsTheCallsAffair)
{
	slot.saved_rsp = user_rsp, slot.saved_rax = user_rax;
	slot.req_seq = 42, slot.rep_seq = 41;
	EXPECT_EQ(stop_in_trap(14, view.published), Position::call_pending);
	EXPECT_EQ(g.regs.rip, user_rip - 2);
	EXPECT_EQ(g.regs.rax, user_rax);
	EXPECT_EQ(g.regs.rsp, user_rsp);
	EXPECT_EQ(g.regs.rflags, user_flags);
	EXPECT_EQ(g.vector, 14u);
	EXPECT_EQ(g.trap_rip, view.published);
	slot.rep_seq = 42, slot.ret = 7;
	EXPECT_EQ(stop_in_trap(1, view.published), Position::user);
	EXPECT_EQ(g.regs.rip, user_rip);
	EXPECT_EQ(g.regs.rax, 7u);
}

TEST_F(NormaliseTest, TrapAtAnAddressOfTheUpperHalfIsATrap)
{
	EXPECT_EQ(stop_in_trap(14, 0xffffffffff600000), Position::trap);
	EXPECT_EQ(g.regs.rip, 0xffffffffff600000);
}

TEST_F(NormaliseTest, BeforeTheIretTheFrameIsTheState)
{
	g.regs.rip = view.iret;
	g.regs.rsp = push_frame(DECOUPLE_START_FRAME, user_rip, nullptr);
	g.regs.rax = 5;
	EXPECT_EQ(normalise(g, view), Position::user);
	EXPECT_EQ(g.regs.rip, user_rip);
	EXPECT_EQ(g.regs.rsp, user_rsp);
	EXPECT_EQ(g.regs.rflags, 0x10287u);
	EXPECT_EQ(g.regs.rax, 5u);
	EXPECT_EQ(g.vector, no_vector);
}

TEST_F(NormaliseTest, IretBackIntoTheEntry)
{
	slot.saved_rsp = user_rsp, slot.saved_rax = user_rax, slot.req_seq = 42;
	g.regs.rip = view.iret, g.regs.rcx = user_rip, g.regs.r11 = user_flags;
	g.regs.rsp = push_frame(DECOUPLE_START_FRAME, view.published + 4, nullptr);
	EXPECT_EQ(normalise(g, view), Position::call_pending);
	EXPECT_EQ(g.regs.rip, user_rip - 2);
	EXPECT_EQ(g.regs.rsp, user_rsp);
}

TEST_F(NormaliseTest, AWakingInterruptInUserCodeLeavesNoTrace)
{
	for (bool pushed : {false, true}) {
		EXPECT_EQ(stop_in_wake(user_rip, pushed), Position::user);
		EXPECT_EQ(g.regs.rip, user_rip);
		EXPECT_EQ(g.regs.rax, user_rax);
		EXPECT_EQ(g.regs.rdx, 0x1du);
		EXPECT_EQ(g.regs.rsp, user_rsp);
		EXPECT_EQ(g.regs.rflags, 0x10287u);
		EXPECT_EQ(g.vector, no_vector);
	}
}

TEST_F(NormaliseTest, AWakingInterruptInTheHaltIsACallThatIsPendingOrServed)
{
	slot.saved_rsp = user_rsp, slot.saved_rax = user_rax, slot.req_seq = 42;
	for (bool pushed : {false, true}) {
		slot.rep_seq = 41;
		EXPECT_EQ(stop_in_wake(view.published + 0x20, pushed), Position::call_pending);
		EXPECT_EQ(g.regs.rip, user_rip - 2);
		EXPECT_EQ(g.regs.rax, user_rax);
		EXPECT_EQ(g.regs.rsp, user_rsp);
		slot.rep_seq = 42, slot.ret = 7;
		EXPECT_EQ(stop_in_wake(view.published + 0x20, pushed), Position::user);
		EXPECT_EQ(g.regs.rip, user_rip);
		EXPECT_EQ(g.regs.rax, 7u);
		EXPECT_EQ(g.regs.rsp, user_rsp);
	}
}

TEST_F(NormaliseTest, AWakingInterruptBeforeTheIretLeavesWhatTheIretTakes)
{
	u64 rsp = push_frame(DECOUPLE_START_FRAME, user_rip, nullptr);
	EXPECT_EQ(stop_in_wake(view.iret, true, rsp), Position::user);
	EXPECT_EQ(g.regs.rip, user_rip);
	EXPECT_EQ(g.regs.rsp, user_rsp);
	EXPECT_EQ(g.regs.rax, user_rax);
}

TEST_F(NormaliseTest, AWakingInterruptsStackIsWhereItBelongs)
{
	for (u64 off : {0ul, page_size - 32, page_size - 44, page_size - 56, page_size - 64}) {
		g = {};
		g.regs.rip = view.wake;
		g.regs.rsp = stack_va + off;
		EXPECT_EQ(normalise(g, view), Position::lost);
	}
}

TEST_F(NormaliseTest, IretToAnotherUpperAddressIsLost)
{
	g.regs.rip = view.iret;
	g.regs.rsp = push_frame(DECOUPLE_START_FRAME, stack_va, nullptr);
	EXPECT_EQ(normalise(g, view), Position::lost);
	g.regs.rip = view.iret + 1;
	EXPECT_EQ(normalise(g, view), Position::lost);
}

TEST_F(NormaliseTest, AFrameMustLieInTheStackPage)
{
	struct Case {
		u64 rip, offset;
		Position position;
	};
	const u64 plain = traps + 1 * DECOUPLE_TRAP_STRIDE, with_code = traps + 13 * DECOUPLE_TRAP_STRIDE;
	for (const Case &c : {
		     Case{plain, 0, Position::trap},
		     {plain, page_size - 40, Position::trap},
		     {plain, page_size - 32, Position::lost},
		     {plain, page_size - 44, Position::lost},
		     {plain, page_size, Position::lost},
		     {plain, ~0ull - 7, Position::lost},
		     {with_code, 0, Position::trap},
		     {with_code, page_size - 48, Position::trap},
		     {with_code, page_size - 40, Position::lost},
		     {view.iret, page_size - 40, Position::user},
		     {view.iret, page_size - 32, Position::lost},
		     {view.iret, 1, Position::lost},
		     {view.iret, 0 - stack_va, Position::lost},
	     }) {
		SCOPED_TRACE(::testing::Message() << std::hex << "rip " << c.rip << " offset " << c.offset);
		g = {};
		g.regs.rip = c.rip;
		g.regs.rsp = stack_va + c.offset;
		if (c.position != Position::lost) {
			u64 error = 0;
			push_frame(c.offset, user_rip, c.rip == with_code ? &error : nullptr);
		}
		EXPECT_EQ(normalise(g, view), c.position);
	}
}

} // namespace
} // namespace decouple
