// SPDX-License-Identifier: GPL-2.0-only
/* A handler sees the interrupted registers as they are, and what it changes in them takes effect. */
#include "testlib.h"
#include "registers.h"

static struct registers loaded;
static volatile uint8_t stop;
static volatile sig_atomic_t calls, wrong_rsp, wrong_gpr, wrong_flags;
static int target;

/* Order of struct registers' members in gregs. */
static const int order[] = {REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_RDI, REG_RBP, REG_R8,
			    REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static void handler(int sig, siginfo_t *info, void *context)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;
	uint64_t rip = gregs[REG_RIP];
	const uint64_t *words = (const uint64_t *)&loaded;

	(void)sig, (void)info;
	if (rip < (uint64_t)code_spin || rip >= (uint64_t)code_spin_end)
		return; /* before or after the loop */
	calls++;
	if ((uint64_t)gregs[REG_RSP] != registers_rsp)
		wrong_rsp++;
	for (unsigned n = 0; n < ARRAY_SIZE(order); n++)
		if ((uint64_t)gregs[order[n]] != words[n])
			wrong_gpr++;
	/* In the loop the flags are those of comparing 0 with 0: ZF and PF; at its first instruction still those loaded. */
	if (rip != (uint64_t)code_spin && (gregs[REG_EFL] & 0xcd5) != 0x44)
		wrong_flags++;
	loaded.r15++;
	gregs[REG_R15] = loaded.r15;
	if (calls == target)
		stop = 1;
}

int main(void)
{
	struct registers out;

	test_start();
	handle(SIGALRM, handler, 0);
	target = 200;
	registers_fill(&loaded, 1);
	loaded.rax = (uint64_t)&stop;
	arm_timer(2000, 2000);
	registers_call(&loaded, &out, code_spin);
	arm_timer(0, 0);
	printf("enough handlers: %d, wrong rsp %d, registers %d, flags %d\n", calls >= target, (int)wrong_rsp, (int)wrong_gpr,
	       (int)wrong_flags);
	registers_equal(&loaded, &out, "rflags", "after the handlers");
	return test_done();
}
