// SPDX-License-Identifier: GPL-2.0-only
/* Queued signals arrive in the kernel's order: lowest number first, first in first out within a number, none lost. */
#include "testlib.h"

static int order[400], values[400];
static volatile sig_atomic_t count;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (count < (int)ARRAY_SIZE(order)) {
		order[count] = sig;
		values[count] = info->si_value.sival_int;
	}
	count++;
}

static void run(const char *what, bool thread_directed, bool full_mask)
{
	sigset_t set;

	sigemptyset(&set);
	for (int sig = SIGRTMIN; sig < SIGRTMIN + 6; sig++) {
		struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
		if (full_mask)
			sigfillset(&action.sa_mask);
		MUST(sigaction(sig, &action, NULL));
		sigaddset(&set, sig);
	}
	sigaddset(&set, SIGUSR1);
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	if (full_mask)
		sigfillset(&action.sa_mask);
	MUST(sigaction(SIGUSR1, &action, NULL));
	count = 0;
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < 30; i++) {
		int sig = SIGRTMIN + i * 5 % 6;
		if (thread_directed)
			MUST(pthread_sigqueue(pthread_self(), sig, (union sigval){.sival_int = i}));
		else
			MUST(sigqueue(getpid(), sig, (union sigval){.sival_int = i}));
	}
	raise(SIGUSR1);
	kill(getpid(), SIGUSR1);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	printf("%s:", what);
	for (int i = 0; i < count && i < (int)ARRAY_SIZE(order); i++)
		printf(" %d/%d", order[i], order[i] == SIGUSR1 ? 0 : values[i]);
	printf("\n");
}

static volatile sig_atomic_t received, disordered;

static void tally(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	if (info->si_value.sival_int != received)
		disordered++;
	received++;
}

int main(void)
{
	test_start();
	run("process, nested", false, false);
	run("process, one after the other", false, true);
	run("thread, nested", true, false);
	run("thread, one after the other", true, true);

	/* Another process sends 1000 in a row while this one computes. */
	struct sigaction action = {.sa_sigaction = tally, .sa_flags = SA_SIGINFO};
	sigfillset(&action.sa_mask);
	MUST(sigaction(SIGRTMIN + 7, &action, NULL));
	pid_t parent = getpid(), child = MUST(fork());
	if (!child) {
		for (int i = 0; i < 1000; i++)
			while (sigqueue(parent, SIGRTMIN + 7, (union sigval){.sival_int = i}))
				sleep_ms(1);
		_exit(0);
	}
	for (uint64_t end = now_ns() + 10000 * MS; received < 1000 && now_ns() < end;)
		;
	printf("from outside: %d, out of order %d\n", (int)received, (int)disordered);
	printf("child %d\n", wait_child(child));
	return test_done();
}
