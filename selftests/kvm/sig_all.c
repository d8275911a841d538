// SPDX-License-Identifier: GPL-2.0-only
/* Every signal that can have a handler reaches it, with its siginfo, for each way to send it. */
#include "testlib.h"

static volatile sig_atomic_t got_sig, got_code, got_value, got_sender, calls;

static void handler(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	calls++;
	got_sig = info->si_signo == sig && uc->uc_mcontext.gregs[REG_RIP] != 0 ? sig : -1;
	got_code = info->si_code;
	got_value = info->si_value.sival_int;
	got_sender = info->si_pid == getpid();
}

static void show(const char *how, int sig, bool value)
{
	printf("%2d %s: calls %d sig %d code %d sender %d", sig, how, (int)calls, (int)got_sig, (int)got_code, (int)got_sender);
	if (value)
		printf(" value %d", (int)got_value);
	printf("\n");
	calls = got_sig = got_code = got_value = got_sender = 0;
}

int main(void)
{
	test_start();
	for (int sig = 1; sig < 64; sig++) {
		union sigval value = {.sival_int = sig * 1000};
		if (sig == SIGKILL || sig == SIGSTOP || sig == 32 || sig == 33)
			continue;
		handle(sig, handler, 0);
		CHECK(raise(sig) == 0);
		show("raise", sig, false);
		CHECK(kill(getpid(), sig) == 0);
		show("kill", sig, false);
		CHECK(sigqueue(getpid(), sig, value) == 0);
		show("sigqueue", sig, true);
		CHECK(pthread_kill(pthread_self(), sig) == 0);
		show("pthread_kill", sig, false);
		signal(sig, SIG_IGN);
		CHECK(raise(sig) == 0);
		show("ignored", sig, false);
		signal(sig, SIG_DFL);
	}
	return test_done();
}
