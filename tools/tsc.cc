// SPDX-License-Identifier: GPL-2.0-only
// Frequency and cost of the TSC.

#include "tsc.h"

#include <time.h>

#include <algorithm>

namespace decouple::bench
{

namespace
{

struct Reading {
	uint64_t ticks;
	double ns;
};

// Of several attempts the one in which the clock call took least: an interrupt between the two clocks would bend the frequency.
Reading read_both()
{
	Reading best = {};
	uint64_t least = ~0ull;
	for (int i = 0; i < 50; i++) {
		timespec now;
		uint64_t before = ticks();
		clock_gettime(CLOCK_MONOTONIC_RAW, &now);
		uint64_t taken = ticks() - before;
		if (taken < least) {
			least = taken;
			best = {before + taken / 2, double(now.tv_sec) * 1e9 + double(now.tv_nsec)};
		}
	}
	return best;
}

double measure()
{
	Reading first = read_both();
	timespec pause = {0, 50'000'000};
	nanosleep(&pause, nullptr);
	Reading last = read_both();
	return (last.ns - first.ns) / double(last.ticks - first.ticks);
}

} // namespace

double ns_per_tick()
{
	static const double value = measure();
	return value;
}

double timer_ns()
{
	uint64_t least = ~0ull;
	for (int i = 0; i < 1000; i++) {
		uint64_t start = ticks();
		least = std::min(least, ticks() - start);
	}
	return double(least) * ns_per_tick();
}

} // namespace decouple::bench
