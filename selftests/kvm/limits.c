// SPDX-License-Identifier: GPL-2.0-only
/* A thread goes on, with signals, sleeps and calls, when its process has used up or lowered its resource limits. */
// args: SIGPENDING
// args: NOFILE
// args: NPROC
// args: AS
// args: MEMLOCK
// args: DATA
#include "testlib.h"

#include <sys/resource.h>

static volatile sig_atomic_t calls;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	calls++;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	int limit = !strcmp(name, "SIGPENDING") ? RLIMIT_SIGPENDING
		    : !strcmp(name, "NOFILE")   ? RLIMIT_NOFILE
		    : !strcmp(name, "NPROC")    ? RLIMIT_NPROC
		    : !strcmp(name, "AS")       ? RLIMIT_AS
		    : !strcmp(name, "MEMLOCK")  ? RLIMIT_MEMLOCK
						: RLIMIT_DATA;
	struct rlimit before, none = {0, 0};

	test_start();
	handle(SIGUSR1, handler, 0);
	handle(SIGALRM, handler, SA_RESTART);
	MUST(getrlimit(limit, &before));
	none.rlim_max = before.rlim_max;
	MUST(setrlimit(limit, &none));
	for (int i = 0; i < 20; i++) {
		raise(SIGUSR1);
		CHECK(syscall(SYS_getppid) > 0);
		busy_ms(2);
		sleep_ms(2);
	}
	printf("signals: %d\n", (int)calls);
	arm_timer(2000, 2000);
	busy_ms(50);
	arm_timer(0, 0);
	printf("timer: %d\n", calls > 25);
	MUST(setrlimit(limit, &before));
	return test_done();
}
