// SPDX-License-Identifier: GPL-2.0-only
/* Clocks of the vDSO, of system calls and the TSC agree; no clock goes backwards; sleeps end not too early and not much too late. */
#include "testlib.h"

#include <x86intrin.h>

static uint64_t by_call(clockid_t clock)
{
	struct timespec now;

	syscall(SYS_clock_gettime, clock, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

int main(void)
{
	static const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW};
	static const unsigned sleeps_us[] = {100, 1000, 10000, 50000};

	test_start();
	for (unsigned c = 0; c < ARRAY_SIZE(clocks); c++) {
		unsigned wrong = 0;
		for (int i = 0; i < 2000; i++) {
			uint64_t before = by_call(clocks[c]), between_them = clock_ns(clocks[c]), after = by_call(clocks[c]);
			uint64_t again = clock_ns(clocks[c]);
			wrong += before > between_them || between_them > after || after > again;
		}
		printf("clock %d: out of order %u\n", clocks[c], wrong);
	}
	uint64_t begin = now_ns(), tsc = __rdtsc(), last = tsc;
	unsigned wrong = 0;
	while (now_ns() - begin < 50 * MS) {
		uint64_t now = __rdtsc();
		wrong += now < last;
		last = now;
	}
	double ghz = (double)(__rdtsc() - tsc) / (double)(now_ns() - begin);
	printf("TSC: backwards %u, plausible rate %d\n", wrong, ghz > 0.3 && ghz < 10);

	for (unsigned s = 0; s < ARRAY_SIZE(sleeps_us); s++) {
		uint64_t early = 0, best = UINT64_MAX;
		for (int i = 0; i < 10; i++) {
			begin = now_ns();
			nanosleep(&(struct timespec){0, sleeps_us[s] * 1000l}, NULL);
			uint64_t took = now_ns() - begin;
			early += took < sleeps_us[s] * 1000ull;
			if (took < best)
				best = took;
		}
		printf("sleep of %u us: early %llu, best within 5 ms %d\n", sleeps_us[s], (unsigned long long)early,
		       between(best, sleeps_us[s] * 1000ull, sleeps_us[s] * 1000ull + 5 * MS));
	}
	struct timeval legacy;
	gettimeofday(&legacy, NULL);
	time_t seconds = time(NULL);
	printf("gettimeofday and time agree: %d\n", seconds - legacy.tv_sec >= -1 && seconds - legacy.tv_sec <= 1);
	return test_done();
}
