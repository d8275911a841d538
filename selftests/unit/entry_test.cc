/* SPDX-License-Identifier: GPL-2.0-only */
/* guest-stub's system call entry, executed here at CPL 3 as on PVM, instruction by instruction: what it publishes, keeps, and costs. */
#include "decouple/layout.h"
#include "decouple/slot.h"
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" const char stub_entry[], stub_entry_end[];

namespace
{

constexpr uint64_t user_flags = 0x2d7; /* SF AF PF CF, IF */
constexpr uint64_t trap_flag = 0x100;
constexpr int most_instructions = 60;

class EntryTest : public ::testing::Test
{
protected:
	void SetUp() override
	{
		void *p = mmap(nullptr, DECOUPLE_VCPU_STRIDE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS,
			       -1, 0);
		ASSERT_NE(p, MAP_FAILED);
		block = static_cast<uint8_t *>(p);
		memcpy(block + DECOUPLE_VCPU_OFF_ENTRY, stub_entry, static_cast<size_t>(stub_entry_end - stub_entry));
		slot = reinterpret_cast<struct decouple_slot *>(block + DECOUPLE_VCPU_OFF_SLOT);
		slot->spin = 1000;
		slot->req_seq = 41;
		child = fork();
		ASSERT_GE(child, 0);
		if (!child) {
			ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
			for (;;)
				raise(SIGSTOP);
		}
		ASSERT_EQ(waitpid(child, nullptr, 0), child);
	}

	void TearDown() override
	{
		kill(child, SIGKILL);
		waitpid(child, nullptr, 0);
		munmap(block, DECOUPLE_VCPU_STRIDE);
	}

	/* From SYSCALL, numbered registers, to the instruction behind it. Returns the number of instructions; -1: it never came there. */
	int execute()
	{
		constexpr int most_steps = 10000;
		struct user_regs_struct r;
		ptrace(PTRACE_GETREGS, child, nullptr, &r);
		r.rbx = 0x1b, r.rdx = 0x1d, r.rsi = 0x51, r.rdi = 0xd1, r.rbp = 0xb9, r.rsp = 0x7f0000123458;
		r.r8 = 8, r.r9 = 9, r.r10 = 10, r.r12 = 12, r.r13 = 13, r.r14 = 14, r.r15 = 15;
		r.rax = 0xabcdef0000000027, r.orig_rax = ~0ull;
		r.rip = reinterpret_cast<uint64_t>(block);
		r.rcx = reinterpret_cast<uint64_t>(block) + DECOUPLE_VCPU_STRIDE - DECOUPLE_PAGE_SIZE;
		r.r11 = user_flags, r.eflags = 0x202;
		before = r;
		ptrace(PTRACE_SETREGS, child, nullptr, &r);
		for (int n = 1; n <= most_steps; n++) {
			int status;
			ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr);
			waitpid(child, &status, 0);
			if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
				return -1;
			ptrace(PTRACE_GETREGS, child, nullptr, &after);
			if (after.rip == before.rcx)
				return n;
		}
		return -1;
	}

	uint8_t *block;
	struct decouple_slot *slot;
	pid_t child;
	struct user_regs_struct before, after;
};

TEST_F(EntryTest, AServedCallCostsFewInstructionsAndChangesRaxOnly)
{
	slot->rep_seq = 42;
	slot->ret = 0x1122334455667788;
	int n = execute();
	EXPECT_GT(n, 0);
	EXPECT_LE(n, most_instructions) << "three more than at CPL 0";
	RecordProperty("instructions", n);
	EXPECT_EQ(after.rax, 0x1122334455667788u);
	EXPECT_EQ(after.eflags & ~trap_flag, user_flags);
	struct user_regs_struct same = after;
	same.rax = before.rax, same.rip = before.rip, same.eflags = before.eflags, same.orig_rax = before.orig_rax;
	EXPECT_EQ(memcmp(&same, &before, sizeof(same)), 0) << "another register was changed";
	EXPECT_EQ(slot->req_seq, 42u);
	EXPECT_EQ(slot->nr, 0x27u);
	const uint64_t arguments[] = {0xd1, 0x51, 0x1d, 10, 8, 9};
	EXPECT_EQ(memcmp(slot->arg, arguments, sizeof(arguments)), 0);
	EXPECT_EQ(slot->saved_rax, 0xabcdef0000000027u);
	EXPECT_EQ(slot->saved_rsp, before.rsp);
	uint32_t rung;
	memcpy(&rung, block + DECOUPLE_VCPU_OFF_DOORBELL, sizeof(rung));
	EXPECT_EQ(rung, 0u) << "the home thread is awake";
}

TEST_F(EntryTest, ASleepingHomeThreadIsRung)
{
	slot->rep_seq = 42;
	slot->home_asleep = 1;
	EXPECT_GT(execute(), 0);
	uint32_t rung;
	memcpy(&rung, block + DECOUPLE_VCPU_OFF_DOORBELL + DECOUPLE_DOORBELL_HOME, sizeof(rung));
	EXPECT_EQ(rung, 42u);
}

TEST_F(EntryTest, WithoutAReplyItWaitsAtTheDoorbell)
{
	slot->rep_seq = 41;
	slot->spin = 3;
	EXPECT_EQ(execute(), -1) << "there is nobody to answer";
	uint32_t rung;
	memcpy(&rung, block + DECOUPLE_VCPU_OFF_DOORBELL + DECOUPLE_DOORBELL_WAIT, sizeof(rung));
	EXPECT_EQ(rung, 42u);
}

} // namespace
