// SPDX-License-Identifier: GPL-2.0-only
/* DECOUPLE_START takes threads of the bound process only, whatever number is given, and leaves all others alone. */
#include "calls.h"

#include <decouple/gate.h>

#define IMAGE_SIZE 4096ul

static int start_error(int device, int tid, __u64 entry)
{
	struct decouple_start start = {.tid = tid, .entry = entry};

	return error_of(device, DECOUPLE_START, &start);
}

int main(void)
{
	struct decouple_bind bind = {.mem_fd = (__s32)MUST(open("/proc/self/mem", O_RDWR | O_CLOEXEC))};
	struct decouple_map map = {.image_size = IMAGE_SIZE};
	int device = open_device(), others[] = {0, -1, -getpid(), 1, 2, getppid(), 0, 0x7fffffff, (int)0x80000000};
	size_t size = IMAGE_SIZE + DECOUPLE_GATE_SIZE;
	char *room = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t ended, child;

	REQUIRE(room != MAP_FAILED);
	MUST(munmap(room, size));
	MUST(ioctl(device, DECOUPLE_BIND, &bind));
	REQUIRE(start_error(device, getpid(), 0) == ENXIO);
	map.image = (__u64)room;
	MUST(ioctl(device, DECOUPLE_MAP, &map));

	child = (pid_t)MUST(fork());
	if (child == 0) {
		for (;;)
			pause();
	}
	others[6] = child;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		expect_error("a thread of no process or of another", DECOUPLE_START,
			     start_error(device, others[i], (__u64)room), ESRCH);
	ended = (pid_t)MUST(fork());
	if (ended == 0)
		_exit(0);
	/* Ended and not waited for, then gone. */
	MUST(waitid(P_PID, (id_t)ended, &(siginfo_t){0}, WEXITED | WNOWAIT));
	REQUIRE(start_error(device, ended, (__u64)room) == ESRCH);
	REQUIRE(wait_child(ended) == 0);
	REQUIRE(start_error(device, ended, (__u64)room) == ESRCH);

	REQUIRE(kill(child, 0) == 0);
	MUST(kill(child, SIGTERM));
	REQUIRE(wait_child(child) == 128 + SIGTERM);
	printf("only threads of the bound process\n");
	return 0;
}
