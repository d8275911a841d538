// SPDX-License-Identifier: GPL-2.0-only
/*
 * An ignored signal that is blocked and pending stays pending while the thread is given back, whatever its action's mask holds: setting
 * such an action again would drop it.
 */
#include "testlib.h"

static void handler(int sig)
{
	(void)sig;
}

static bool is_pending(int sig)
{
	sigset_t set;

	MUST(sigpending(&set));
	return sigismember(&set, sig);
}

int main(void)
{
	struct sigaction action = {.sa_handler = SIG_IGN, .sa_flags = SA_RESTART}, now;
	const char *reflector = getenv("REFLECTOR");
	sigset_t pipe_only;

	test_start();
	sigfillset(&action.sa_mask); /* the reserved signal is in it */
	MUST(sigaction(SIGPIPE, &action, NULL));
	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	MUST(sigprocmask(SIG_BLOCK, &pipe_only, NULL));
	MUST(raise(SIGPIPE));
	printf("blocked: pending %d\n", is_pending(SIGPIPE));
	MUST(sigaction(SIGPIPE, NULL, &now));
	printf("mask has 64: %d\n", sigismember(&now.sa_mask, 64));
	/* Its own signal 64: the signal reflector gives the thread back. */
	MUST(signal(64, handler) == SIG_ERR ? -1 : 0);
	printf("given back: pending %d\n", is_pending(SIGPIPE));
	MUST(sigaction(SIGPIPE, NULL, &now));
	printf("ignored %d, mask has 64: %d\n", now.sa_handler == SIG_IGN, sigismember(&now.sa_mask, 64));
	MUST(sigprocmask(SIG_UNBLOCK, &pipe_only, NULL));
	printf("unblocked: pending %d\n", is_pending(SIGPIPE));
	if (reflector && !strcmp(reflector, "module"))
		return test_done();
	return test_done_native();
}
