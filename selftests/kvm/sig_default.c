// SPDX-License-Identifier: GPL-2.0-only
/* Default actions: the process ends with the status of the signal, or nothing happens. */
// end: none
// args: raise TERM
// args: raise KILL
// args: raise RTMIN
// args: kill INT
// args: abort ABRT
// args: timer ALRM
// args: outside USR1
// args: outside KILL
// args: blocked TERM
// exit raise TERM: 143
// exit raise KILL: 137
// exit raise RTMIN: 162
// exit kill INT: 130
// exit abort ABRT: 134
// exit timer ALRM: 142
// exit outside USR1: 138
// exit outside KILL: 137
// exit blocked TERM: 143
#include "testlib.h"

#include <sys/resource.h>

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	int sig = !strcmp(argv[2], "TERM")    ? SIGTERM
		  : !strcmp(argv[2], "KILL")  ? SIGKILL
		  : !strcmp(argv[2], "RTMIN") ? 34
		  : !strcmp(argv[2], "INT")   ? SIGINT
		  : !strcmp(argv[2], "USR1")  ? SIGUSR1
					      : SIGALRM;
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	test_start();
	raise(SIGCHLD);
	raise(SIGWINCH);
	raise(SIGURG);
	raise(SIGCONT);
	printf("ignored by default: survived\n");
	if (!strcmp(argv[1], "raise"))
		raise(sig);
	else if (!strcmp(argv[1], "kill"))
		kill(getpid(), sig);
	else if (!strcmp(argv[1], "abort"))
		abort();
	else if (!strcmp(argv[1], "outside"))
		signal_later(getpid(), sig, 20);
	else if (!strcmp(argv[1], "timer"))
		arm_timer(20000, 0);
	else {
		sigset_t set;
		sigemptyset(&set);
		sigaddset(&set, sig);
		sigprocmask(SIG_BLOCK, &set, NULL);
		raise(sig);
		printf("blocked: survived\n");
		sigprocmask(SIG_UNBLOCK, &set, NULL);
	}
	for (;;)
		__asm__ volatile("" ::: "memory");
}
