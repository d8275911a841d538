// SPDX-License-Identifier: GPL-2.0-only
/* Handlers within handlers: other signals, the same one with SA_NODEFER, and what sa_mask holds back until the end. */
#include "testlib.h"

static volatile sig_atomic_t depth;

static void inner(int sig, siginfo_t *info, void *context)
{
	(void)info, (void)context;
	printf("  inner %d at depth %d\n", sig, (int)depth);
}

static void outer(int sig, siginfo_t *info, void *context)
{
	(void)info, (void)context;
	depth++;
	printf("outer %d begins\n", sig);
	raise(SIGUSR2);
	printf("outer %d between\n", sig);
	raise(sig); /* blocked while it runs */
	if (depth == 3)
		signal(sig, SIG_IGN);
	printf("outer %d ends\n", sig);
}

static void again(int sig, siginfo_t *info, void *context)
{
	int mine = ++depth;

	(void)info, (void)context;
	printf("enter %d\n", mine);
	if (mine < 10)
		raise(sig);
	printf("leave %d\n", mine);
}

static void show_mask(int sig, siginfo_t *info, void *context)
{
	sigset_t now, pending;

	(void)context, (void)info;
	sigprocmask(SIG_BLOCK, NULL, &now);
	printf("handler %d: blocked", sig);
	for (int i = 1; i < 64; i++)
		if (sigismember(&now, i) == 1)
			printf(" %d", i);
	raise(SIGUSR2);
	sigpending(&pending);
	printf("; USR2 pending %d\n", sigismember(&pending, SIGUSR2));
}

static void with_mask(const sigset_t *mask, int flags)
{
	struct sigaction action = {.sa_sigaction = show_mask, .sa_flags = SA_SIGINFO | flags, .sa_mask = *mask}, read_back;
	sigset_t now;

	MUST(sigaction(SIGUSR1, &action, NULL));
	MUST(sigaction(SIGUSR1, NULL, &read_back));
	printf("read back: same handler %d flags %x mask", read_back.sa_sigaction == show_mask,
	       read_back.sa_flags & ~0x04000000);
	for (int i = 1; i <= 64; i++)
		printf("%d", sigismember(&read_back.sa_mask, i) == 1);
	printf("\n");
	raise(SIGUSR1);
	sigprocmask(SIG_BLOCK, NULL, &now);
	printf("after: USR1 blocked %d, USR2 blocked %d\n", sigismember(&now, SIGUSR1), sigismember(&now, SIGUSR2));
}

int main(void)
{
	sigset_t mask;

	test_start();
	handle(SIGUSR1, outer, 0);
	handle(SIGUSR2, inner, 0);
	raise(SIGUSR1);
	depth = 0;
	handle(SIGRTMIN, again, SA_NODEFER);
	raise(SIGRTMIN);
	sigemptyset(&mask);
	with_mask(&mask, 0);
	sigaddset(&mask, SIGUSR2);
	with_mask(&mask, 0);
	with_mask(&mask, SA_NODEFER);
	sigfillset(&mask);
	with_mask(&mask, 0);
	memset(&mask, 0xff, sizeof(mask));
	with_mask(&mask, 0);
	handle(SIGUSR2, inner, SA_RESETHAND);
	raise(SIGUSR2);
	struct sigaction action;
	sigaction(SIGUSR2, NULL, &action);
	printf("SA_RESETHAND: default %d\n", action.sa_handler == SIG_DFL);
	return test_done();
}
