/* SPDX-License-Identifier: GPL-2.0-only */
/* Time in nanoseconds, and the TSC's rate. */
#ifndef DECOUPLE_USERLAND_CLOCK_H
#define DECOUPLE_USERLAND_CLOCK_H

#include <time.h>
#include <x86intrin.h>

namespace decouple
{

inline long monotonic_ns()
{
	timespec t;
	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return t.tv_sec * 1'000'000'000L + t.tv_nsec;
}

/* TSC ticks per ns, measured once over a millisecond: good to some 1e-4. */
inline double tsc_per_ns()
{
	static const double rate = [] {
		long ns = monotonic_ns();
		auto tsc = __rdtsc();
		while (monotonic_ns() - ns < 1'000'000)
			;
		return static_cast<double>(__rdtsc() - tsc) / static_cast<double>(monotonic_ns() - ns);
	}();
	return rate;
}

} // namespace decouple

#endif
