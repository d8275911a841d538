// SPDX-License-Identifier: GPL-2.0-only
/* What an interrupted sleep reports as its rest is right, and the sum of the pieces is the whole. */
#include "testlib.h"

static volatile sig_atomic_t calls;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	calls++;
}

int main(void)
{
	struct timespec rest = {0, 300 * MS};
	unsigned interrupted = 0, wrong = 0;

	test_start();
	handle(SIGALRM, handler, SA_RESTART);
	uint64_t begin = now_ns();
	arm_timer(10000, 10000);
	for (;;) {
		uint64_t before = now_ns(), asked = rest.tv_sec * 1000 * MS + rest.tv_nsec;
		int result = nanosleep(&rest, &rest);
		if (result == 0)
			break;
		uint64_t slept = now_ns() - before, left = rest.tv_sec * 1000 * MS + rest.tv_nsec;
		interrupted++;
		if (errno != EINTR || left > asked || slept + left + MS / 10 < asked || slept + left > asked + 40 * MS)
			wrong++;
	}
	uint64_t total = now_ns() - begin;
	arm_timer(0, 0);
	printf("nanosleep in pieces: interrupted often %d, wrong rests %u, total right %d\n", interrupted >= 10, wrong,
	       between(total, 300 * MS, 450 * MS + interrupted * 20 * MS)); /* what handlers take on a slow machine */

	/* An absolute sleep leaves rest alone and takes until its time. */
	struct timespec until, untouched = {77, 77};
	clock_gettime(CLOCK_MONOTONIC, &until);
	begin = now_ns();
	until.tv_nsec += 400 * MS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	arm_timer(10000, 10000);
	interrupted = 0;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, &untouched) == EINTR)
		interrupted++;
	arm_timer(0, 0);
	total = now_ns() - begin;
	printf("absolute: interrupted often %d, rest untouched %d, total right %d\n", interrupted >= 3, untouched.tv_sec == 77,
	       between(total, 399 * MS, 550 * MS));

	int fds[2];
	char byte;
	MUST(pipe(fds));
	handle(SIGALRM, handler, 0);
	unsigned eintr = 0;
	for (int i = 0; i < 100; i++) {
		arm_timer(1000, 1000);
		if (read(fds[0], &byte, 1) < 0 && errno == EINTR)
			eintr++;
	}
	arm_timer(0, 0);
	printf("read: %u EINTR\n", eintr);
	return test_done();
}
