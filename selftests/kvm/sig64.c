// SPDX-License-Identifier: GPL-2.0-only
/* The program installs a handler for signal 64, which the signal reflector uses: it works, the thread runs natively from then on. */
#include "testlib.h"

static volatile sig_atomic_t calls, value;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	calls++;
	value = info->si_value.sival_int;
}

int main(void)
{
	struct sigaction action;
	const char *reflector = getenv("REFLECTOR");

	test_start();
	MUST(sigaction(64, NULL, &action));
	printf("before: default %d, flags %x\n", action.sa_handler == SIG_DFL, action.sa_flags);
	handle(64, handler, SA_RESTART);
	MUST(sigaction(64, NULL, &action));
	printf("installed: own handler %d, restart %d\n", action.sa_sigaction == handler, !!(action.sa_flags & SA_RESTART));
	for (int i = 0; i < 10; i++) {
		raise(64);
		sigqueue(getpid(), 64, (union sigval){.sival_int = i});
	}
	printf("calls %d, last value %d\n", (int)calls, (int)value);
	if (reflector && !strcmp(reflector, "module"))
		return test_done();
	return test_done_native();
}
