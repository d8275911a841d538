// SPDX-License-Identifier: GPL-2.0-only
/* sigprocmask, pthread_sigmask, sigpending: a blocked signal waits, arrives when unblocked; errors as natively. */
#include "testlib.h"

static volatile sig_atomic_t calls[65];

static void count(int sig, siginfo_t *info, void *context)
{
	(void)info, (void)context;
	calls[sig]++;
}

static void show(const char *when)
{
	sigset_t pending, blocked;

	sigpending(&pending);
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	printf("%s:", when);
	for (int sig = 1; sig <= 64; sig++)
		if (calls[sig] || sigismember(&pending, sig) == 1 || sigismember(&blocked, sig) == 1)
			printf(" %d=%d%s%s", sig, (int)calls[sig], sigismember(&pending, sig) == 1 ? "p" : "",
			       sigismember(&blocked, sig) == 1 ? "b" : "");
	printf("\n");
	memset((void *)calls, 0, sizeof(calls));
}

static long raw_mask(int how, const void *set, void *old, size_t size)
{
	long result = syscall(SYS_rt_sigprocmask, how, set, old, size);
	return result < 0 ? -errno : result;
}

int main(void)
{
	uint64_t set = 1ull << (SIGUSR1 - 1) | 1ull << (SIGRTMIN - 1), old = 0, all = ~0ull;

	test_start();
	for (int sig = 1; sig < 64; sig++)
		if (sig != SIGKILL && sig != SIGSTOP && sig != 32 && sig != 33)
			handle(sig, count, 0);
	printf("block: %ld\n", raw_mask(SIG_BLOCK, &set, &old, 8));
	printf("old is empty: %d\n", old == 0);
	for (int i = 0; i < 5; i++) {
		raise(SIGUSR1);
		raise(SIGRTMIN);
		kill(getpid(), SIGUSR1);
	}
	show("blocked");
	printf("unblock: %ld\n", raw_mask(SIG_UNBLOCK, &set, &old, 8));
	printf("old is the set: %d\n", old == set);
	show("unblocked");
	printf("all: %ld\n", raw_mask(SIG_SETMASK, &all, NULL, 8));
	raw_mask(SIG_SETMASK, NULL, &old, 8);
	printf("KILL and STOP stay open: %d\n", !(old & (1ull << (SIGKILL - 1))) && !(old & (1ull << (SIGSTOP - 1))));
	printf("all others, 64 too, are blocked: %d\n", (old | 1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1)) == all);
	for (int sig = 1; sig < 64; sig++)
		if (calls[sig] == 0 && sig != SIGKILL && sig != SIGSTOP && sig != 32 && sig != 33)
			kill(getpid(), sig);
	show("all blocked");
	old = 0;
	raw_mask(SIG_SETMASK, &old, NULL, 8);
	show("all unblocked");
	printf("bad how: %s\n", errno_name(-raw_mask(99, &set, NULL, 8)));
	printf("bad how without a set: %s\n", errno_name(-raw_mask(99, NULL, &old, 8)));
	printf("bad size: %s\n", errno_name(-raw_mask(SIG_BLOCK, &set, NULL, 4)));
	printf("bad set: %s\n", errno_name(-raw_mask(SIG_BLOCK, (void *)8, NULL, 8)));
	printf("bad old: %s\n", errno_name(-raw_mask(SIG_BLOCK, &set, (void *)8, 8)));
	raw_mask(SIG_SETMASK, NULL, &old, 8);
	printf("mask after a bad old: %llx\n", (unsigned long long)old);
	old = 0;
	raw_mask(SIG_SETMASK, &old, NULL, 8);
	printf("sigpending, bad size: %s\n", syscall(SYS_rt_sigpending, &old, 16l) ? errno_name(errno) : "0");
	printf("sigpending, bad set: %s\n", syscall(SYS_rt_sigpending, (void *)8, 8l) ? errno_name(errno) : "0");
	printf("sigaction, bad size: %s\n", syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4l) ? errno_name(errno) : "0");
	printf("sigaction KILL: %s\n",
	       syscall(SYS_rt_sigaction, SIGKILL, &(uint64_t[4]){0}, NULL, 8l) ? errno_name(errno) : "0");
	printf("sigaction 65: %s\n", syscall(SYS_rt_sigaction, 65, NULL, NULL, 8l) ? errno_name(errno) : "0");
	printf("sigaction, bad pointer: %s\n",
	       syscall(SYS_rt_sigaction, SIGUSR1, (void *)8, NULL, 8l) ? errno_name(errno) : "0");
	return test_done();
}
