// SPDX-License-Identifier: GPL-2.0-only
// part-of: wake
/*
 * The program of wake.sh: one thread waits for an eventfd, N times, by read(2) or poll(2); a native one signals it each time, some
 * milliseconds later. It says what it has counted when its standard input ends.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static int event, polls, times, pause_ms;
static _Atomic int waits;

static void *signals(void *unused)
{
	const uint64_t value = 3;

	(void)unused;
	for (int i = 0; i < times; i++) {
		while (waits <= i)
			nanosleep(&(struct timespec){0, 500000}, NULL);
		nanosleep(&(struct timespec){0, pause_ms * 1000000L}, NULL);
		if (write(event, &value, sizeof(value)) != sizeof(value))
			abort();
	}
	return NULL;
}

int main(int argc, char **argv)
{
	uint64_t sum = 0, n;
	char go;
	pthread_t thread;

	if (argc != 4)
		return 5;
	polls = !strcmp(argv[1], "poll");
	times = atoi(argv[2]);
	pause_ms = atoi(argv[3]);
	event = eventfd(0, 0);
	pthread_create(&thread, NULL, signals, NULL);
	puts("ready");
	fflush(stdout);
	if (read(0, &go, 1) != 1)
		return 2;
	for (int i = 0; i < times; i++) {
		struct pollfd fd = {event, POLLIN, 0};

		waits = i + 1;
		if (polls && (poll(&fd, 1, -1) != 1 || fd.revents != POLLIN))
			return 3;
		if (read(event, &n, sizeof(n)) != sizeof(n))
			return 4;
		sum += n;
	}
	pthread_join(thread, NULL);
	printf("sum %llu\n", (unsigned long long)sum);
	fflush(stdout);
	while (read(0, &go, 1) == 1)
		;
	return 0;
}
