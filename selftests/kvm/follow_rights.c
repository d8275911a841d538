// SPDX-License-Identifier: GPL-2.0-only
/* follow_rights PROGRAM...: executes each in turn, in a vfork and in a fork; alone it says who it is and whether it is decoupled. */
// part-of: follow_rights.sh
#include "testlib.h"

#include <spawn.h>

extern char **environ;

static int report(void)
{
	bool decoupled = decoupled_now();
	unsigned long capabilities = 0;
	char line[128];
	FILE *file = fopen("/proc/thread-self/status", "r");

	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "CapEff: %lx", &capabilities);

	for (uint64_t end = now_ns() + 1000 * MS; !decoupled && now_ns() < end; decoupled = decoupled_now())
		busy_ms(1);
	printf("euid %d, egid %d, capabilities %lx, %s\n", (int)geteuid(), (int)getegid(), capabilities,
	       decoupled ? "decoupled" : "native");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 1)
		return report();
	setvbuf(stdout, NULL, _IONBF, 0);
	for (int i = 1; i < argc; i++) {
		char *arguments[] = {argv[i], NULL};
		pid_t child;

		printf("spawned: ");
		CHECK(posix_spawn(&child, argv[i], NULL, NULL, arguments, environ) == 0);
		CHECK(wait_child(child) == 0);
		printf("forked: ");
		child = MUST(fork());
		if (child == 0) {
			execve(argv[i], arguments, environ);
			_exit(99);
		}
		CHECK(wait_child(child) == 0);
	}
	return 0;
}
