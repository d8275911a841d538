// SPDX-License-Identifier: GPL-2.0-only
/* A handler that changes RIP, RSP, RFLAGS and a vector register of the interrupted code: it goes on there, with these. */
#include "testlib.h"
#include "registers.h"

static volatile sig_atomic_t calls;
static struct registers loaded, changed;

static bool vectors_only;

/* Order of struct registers' members in gregs. */
static const int order[] = {REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_RDI, REG_RBP, REG_R8,
			    REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_EFL};

static void redirect(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	greg_t *gregs = uc->uc_mcontext.gregs;

	(void)sig, (void)info;
	calls++;
	CHECK((uint64_t)gregs[REG_RIP] == (uint64_t)code_ud2);
	gregs[REG_RIP] = (greg_t)code_ud2_end;
	if (!vectors_only) {
		const uint64_t *words = (const uint64_t *)&changed;
		for (unsigned n = 0; n < ARRAY_SIZE(order); n++)
			gregs[order[n]] = words[n];
		return;
	}
	uc->uc_mcontext.fpregs->mxcsr = 0x3f80;
	uc->uc_mcontext.fpregs->cwd = 0x077f;
	uc->uc_mcontext.fpregs->_xmm[7].element[2] = 0x5eed5eed;
}

static char other_stack[64 * 1024] __attribute__((aligned(16)));
static volatile int on_other_stack;
static ucontext_t back;

static void landing(void)
{
	char here;
	on_other_stack = &here >= other_stack && &here < other_stack + sizeof(other_stack);
	setcontext(&back);
}

static void switch_stack(int sig, siginfo_t *info, void *context)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)sig, (void)info;
	gregs[REG_RIP] = (greg_t)landing;
	gregs[REG_RSP] = (greg_t)(other_stack + sizeof(other_stack) - 8);
}

int main(void)
{
	static struct vectors in, out;
	static volatile int returned;
	struct registers after;

	test_start();
	handle(SIGILL, redirect, 0);
	for (unsigned round = 0; round < 20; round++) {
		registers_fill(&loaded, round);
		registers_fill(&changed, round + 100);
		changed.rflags = 0x202 | (round & 1 ? 0x8d5 : 0) | (round & 2 ? 0x400 : 0);
		registers_call(&loaded, &after, code_ud2);
		registers_equal(&changed, &after, "", "changed by the handler");
	}
	vectors_only = true;
	vectors_fill(&in, 3);
	vectors_call(&in, &out, code_ud2, (uint64_t[7]){0}, vectors_level());
	in.mxcsr = 0x3f80;
	in.fcw = 0x077f;
	memcpy(&in.zmm[7][8], &(uint32_t){0x5eed5eed}, 4);
	vectors_equal(&in, &out, vectors_level(), "changed vector");
	printf("calls %d\n", (int)calls);

	handle(SIGUSR1, switch_stack, 0);
	getcontext(&back);
	if (!returned++)
		raise(SIGUSR1);
	printf("on the other stack: %d\n", on_other_stack);
	return test_done();
}
