// SPDX-License-Identifier: GPL-2.0-only
/* A 1 kHz interval timer under computation and under system calls: most ticks are handled, the results are right. */
#include "testlib.h"

static volatile sig_atomic_t ticks;

static void tick(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	ticks++;
}

static uint64_t compute(unsigned ms)
{
	uint64_t hash = 1, end = now_ns() + ms * MS, rounds = 0;
	double sum = 0;

	while (now_ns() < end) {
		for (unsigned i = 0; i < 1000; i++) {
			hash = hash * 6364136223846793005ull + 1442695040888963407ull;
			sum += 0.5;
		}
		rounds++;
	}
	/* The same again without looking at the clock: registers lost under a signal show as a difference. */
	uint64_t again = 1;
	for (uint64_t i = 0; i < rounds * 1000; i++)
		again = again * 6364136223846793005ull + 1442695040888963407ull;
	CHECK(again == hash);
	CHECK(sum == rounds * 500.0);
	return rounds;
}

int main(void)
{
	unsigned calls = 0;

	test_start();
	handle(SIGALRM, tick, SA_RESTART);
	arm_timer(1000, 1000);
	compute(600);
	arm_timer(0, 0);
	fprintf(stderr, "computing: %d ticks\n", (int)ticks);
	printf("computing: enough ticks %d, not too many %d\n", ticks >= 300, ticks <= 5000);
	ticks = 0;
	arm_timer(1000, 1000);
	for (uint64_t end = now_ns() + 400 * MS; now_ns() < end; calls++)
		CHECK(syscall(SYS_getppid) > 0);
	arm_timer(0, 0);
	fprintf(stderr, "calling: %d ticks, %u calls\n", (int)ticks, calls);
	printf("calling: enough ticks %d, calls went on %d\n", ticks >= 100, calls > 1000);
	return test_done();
}
