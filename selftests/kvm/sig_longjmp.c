// SPDX-License-Identifier: GPL-2.0-only
/* siglongjmp out of handlers: of raised, asynchronous and fault signals, from an alternate stack, with and without the mask. */
#include "testlib.h"

#include <setjmp.h>

static sigjmp_buf target;
static volatile sig_atomic_t jumps;
static char alternate[64 * 1024];

static void jump(int sig, siginfo_t *info, void *context)
{
	(void)info, (void)context;
	jumps++;
	siglongjmp(target, sig);
}

int main(void)
{
	stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
	volatile uintptr_t nowhere = 16;
	volatile int rounds = 0;
	sigset_t mask;

	test_start();
	handle(SIGUSR1, jump, 0);
	handle(SIGALRM, jump, 0);
	handle(SIGSEGV, jump, SA_ONSTACK);
	for (rounds = 0; rounds < 300; rounds++)
		if (sigsetjmp(target, 1) == 0)
			raise(SIGUSR1);
	printf("raised: %d\n", (int)jumps);
	jumps = 0;
	for (rounds = 0; rounds < 100; rounds++)
		if (sigsetjmp(target, 1) == 0) {
			arm_timer(1500, 0);
			for (;;)
				__asm__ volatile("" ::: "memory");
		}
	printf("computing: %d\n", (int)jumps);
	jumps = 0;
	for (rounds = 0; rounds < 50; rounds++)
		if (sigsetjmp(target, 1) == 0) {
			arm_timer(1500, 0);
			for (;;)
				pause();
		}
	printf("in pause: %d\n", (int)jumps);
	jumps = 0;
	MUST(sigaltstack(&stack, NULL));
	for (rounds = 0; rounds < 200; rounds++)
		if (sigsetjmp(target, 1) == 0)
			*(volatile int *)nowhere = 0;
	printf("faults on the alternate stack: %d\n", (int)jumps);
	sigaltstack(NULL, &stack);
	printf("flags of the alternate stack afterwards: %x\n", stack.ss_flags);
	jumps = 0;
	if (sigsetjmp(target, 0) == 0)
		raise(SIGUSR1);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	printf("without the mask: still blocked %d\n", sigismember(&mask, SIGUSR1));
	return test_done();
}
