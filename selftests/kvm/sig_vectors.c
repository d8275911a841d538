// SPDX-License-Identifier: GPL-2.0-only
/* A handler that overwrites all vector, mask and x87 registers, MXCSR and the x87 control word leaves the interrupted code's alone. */
#include "testlib.h"
#include "registers.h"

static volatile uint8_t stop;
static volatile sig_atomic_t calls;
static struct vectors trash, dump;
static int level;

static void handler(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	uint64_t rip = uc->uc_mcontext.gregs[REG_RIP];

	(void)sig, (void)info;
	vectors_call(&trash, &dump, code_nop, (uint64_t[7]){0}, level);
	if (!stop && rip >= (uint64_t)code_spin && rip < (uint64_t)code_spin_end && ++calls == 100)
		stop = 1;
}

int main(void)
{
	static struct vectors in, out;

	test_start();
	level = vectors_level();
	vectors_fill(&trash, 99);
	vectors_fill(&in, 1);
	handle(SIGALRM, handler, 0);
	arm_timer(2000, 2000);
	memset(&out, 0, sizeof(out));
	vectors_call(&in, &out, code_spin, (uint64_t[7]){0, 0, 0, 0, 0, 0, (uint64_t)&stop}, level);
	arm_timer(0, 0);
	printf("calls %d\n", (int)calls);
	vectors_equal(&in, &out, level, "interrupted while computing");
	for (unsigned i = 0; i < 50; i++) {
		vectors_fill(&in, i);
		handle(SIGUSR1, handler, 0);
		vectors_call(&in, &out, code_syscall, (uint64_t[7]){getpid(), SIGUSR1, 0, 0, 0, 0, SYS_kill}, level);
		if (!vectors_equal(&in, &out, level, "handler of a kill"))
			break;
	}
	return test_done();
}
