// SPDX-License-Identifier: GPL-2.0-only
/* posix_spawn, system, popen: other programs are started, their output and statuses come back. */
// modes: run compute read run+follow
// timeout: 120
#include "testlib.h"

#include <spawn.h>

extern char **environ;

/* The spawned copy of this program. */
static int show_mask(void)
{
	sigset_t set;

	sigprocmask(SIG_BLOCK, NULL, &set);
	printf("blocked:");
	for (int sig = 1; sig <= 64; sig++)
		if (sigismember(&set, sig) == 1)
			printf(" %d", sig);
	printf(", leads its group %d\n", getpgrp() == getpid());
	return 6;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "mask"))
		return show_mask();
	char *const arguments[] = {"sh", "-c", "echo spawned $0 $1; exit 3", "a", "b", NULL};
	char *const missing[] = {"no-such-program", NULL};
	pid_t pid;

	test_start();
	fflush(stdout);
	for (int i = 0; i < 3; i++) {
		CHECK(posix_spawn(&pid, "/bin/sh", NULL, NULL, arguments, environ) == 0);
		printf("posix_spawn: %d\n", wait_child(pid));
	}
	printf("posix_spawnp, missing: %s\n", errno_name(posix_spawnp(&pid, missing[0], NULL, NULL, missing, environ)));
	posix_spawnattr_t attributes;
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setsigmask(&attributes, &set);
	char *const mask[] = {argv[0], "mask", NULL};
	CHECK(posix_spawn(&pid, argv[0], NULL, &attributes, mask, environ) == 0);
	printf("with a mask: %d\n", wait_child(pid));
	fflush(stdout);
	printf("system: %x\n", system("echo from system; exit 5"));
	printf("system, killed: %x\n", system("kill -9 $$"));
	FILE *pipe = popen("seq 1 20000 | sort -n | tail -n 1; exit 2", "r");
	char line[64] = "";
	CHECK(pipe && fgets(line, sizeof(line), pipe));
	printf("popen: %s", line);
	printf("pclose: %x\n", pclose(pipe));
	pipe = popen("tr a-z A-Z", "w");
	fprintf(pipe, "through a pipe\n");
	printf("pclose: %x\n", pclose(pipe));
	return test_done();
}
