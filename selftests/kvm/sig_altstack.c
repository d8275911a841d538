// SPDX-License-Identifier: GPL-2.0-only
/* Alternate signal stacks: SA_ONSTACK or not, queries inside the handler, 5000 bytes, SS_AUTODISARM, errors. */
#include "testlib.h"

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif

static char big[64 * 1024], small[5000] __attribute__((aligned(16)));
static char *base;
static size_t size;

static void where(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	stack_t stack;
	char here;

	(void)info;
	bool on = &here >= base && &here < base + size;
	sigaltstack(NULL, &stack);
	printf("  signal %d: on it %d, flags %x, frame's stack is it %d, its flags %x, setting it now: ", sig, on,
	       stack.ss_flags, uc->uc_stack.ss_sp == base, uc->uc_stack.ss_flags);
	stack = (stack_t){.ss_sp = big, .ss_size = sizeof(big)};
	if (on && sigaltstack(&stack, NULL))
		printf("%s", errno_name(errno));
	printf("\n");
}

static void try(const char *what, char *sp, size_t len, int flags)
{
	stack_t stack = {.ss_sp = sp, .ss_size = len, .ss_flags = flags}, now;

	base = sp;
	size = len;
	printf("%s: %s\n", what, sigaltstack(&stack, NULL) ? errno_name(errno) : "set");
	raise(SIGUSR1);
	raise(SIGUSR2);
	/* Blocked until it is waited for: it may come before that. */
	sigset_t alarm, without;
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	MUST(sigprocmask(SIG_BLOCK, &alarm, &without));
	arm_timer(2000, 0);
	sigsuspend(&without);
	MUST(sigprocmask(SIG_SETMASK, &without, NULL));
	sigaltstack(NULL, &now);
	printf("  afterwards: same %d, flags %x\n", now.ss_sp == sp && now.ss_size == len, now.ss_flags);
}

int main(void)
{
	stack_t off = {.ss_flags = SS_DISABLE};

	test_start();
	handle(SIGUSR1, where, SA_ONSTACK);
	handle(SIGALRM, where, SA_ONSTACK);
	handle(SIGUSR2, where, 0);
	try("big", big, sizeof(big), 0);
	try("5000 bytes", small, sizeof(small), 0);
	try("autodisarm", big, sizeof(big), SS_AUTODISARM);
	MUST(sigaltstack(&off, NULL));
	base = NULL;
	raise(SIGUSR1);
	stack_t tiny = {.ss_sp = big, .ss_size = 100}, bad = {.ss_sp = big, .ss_size = sizeof(big), .ss_flags = 77};
	printf("100 bytes: %s\n", sigaltstack(&tiny, NULL) ? errno_name(errno) : "set");
	printf("bad flags: %s\n", sigaltstack(&bad, NULL) ? errno_name(errno) : "set");
	printf("bad pointer: %s\n", sigaltstack((void *)8, NULL) ? errno_name(errno) : "set");
	return test_done();
}
