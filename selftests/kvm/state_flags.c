// SPDX-License-Identifier: GPL-2.0-only
/* RFLAGS over system calls, signals and faults: arithmetic flags, DF, AC, ID stay with the thread; handlers start with DF clear. */
#include "testlib.h"
#include "registers.h"

static volatile sig_atomic_t calls, wrong;
static uint64_t expected;

static void handler(int sig, siginfo_t *info, void *context)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;
	uint64_t flags;

	(void)info;
	__asm__ volatile("pushfq; pop %0" : "=r"(flags));
	calls++;
	wrong += (flags & 0x400) != 0;
	wrong += (((uint64_t)gregs[REG_EFL] ^ expected) & 0x240cd5) != 0;
	if (sig == SIGILL)
		gregs[REG_RIP] = (greg_t)code_ud2_end;
}

int main(void)
{
	static const uint64_t sets[] = {0x202, 0x8d7, 0x602, 0x40202, 0x200202, 0x240ed7, 0x203, 0x242, 0x282, 0xa02};
	struct registers in, out;

	test_start();
	handle(SIGILL, handler, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(sets); i++) {
		static const long calls_made[] = {SYS_getppid, SYS_sched_yield, SYS_nanosleep, 9999};
		for (unsigned c = 0; c < ARRAY_SIZE(calls_made); c++) {
			struct timespec delay = {0, 100000};
			registers_fill(&in, i);
			in.rflags = sets[i] | 0x202;
			in.rax = calls_made[c];
			in.rdi = (uint64_t)&delay;
			in.rsi = 0;
			registers_call(&in, &out, code_syscall);
			if (!registers_equal(&in, &out, "rax rcx r11", "call") || out.r11 != in.rflags)
				printf("  flags %#llx, call %ld, r11 %#llx\n", (unsigned long long)sets[i], calls_made[c],
				       (unsigned long long)out.r11);
		}
		registers_fill(&in, i);
		expected = in.rflags = sets[i] | 0x202;
		registers_call(&in, &out, code_ud2);
		if (!registers_equal(&in, &out, sets[i] & 0x200000 ? "rflags" : "", "fault"))
			printf("  flags %#llx\n", (unsigned long long)sets[i]);
	}
	printf("handlers %d, wrong %d\n", (int)calls, (int)wrong);
	return test_done();
}
