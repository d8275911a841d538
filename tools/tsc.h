/* SPDX-License-Identifier: GPL-2.0-only */
/* The clock of all samples: the TSC, which reads the same natively and in the guest (its offset is 0 there). */
#ifndef DECOUPLE_TOOLS_TSC_H
#define DECOUPLE_TOOLS_TSC_H

#include <cstdint>

namespace decouple::bench
{

/* RDTSCP waits for what precedes it; the LFENCE keeps what follows from starting before the clock was read. */
inline uint64_t ticks()
{
	uint32_t low, high, aux;
	asm volatile("rdtscp\n\tlfence" : "=a"(low), "=d"(high), "=c"(aux) : : "memory");
	return uint64_t(high) << 32 | low;
}

/* Measured against CLOCK_MONOTONIC_RAW, once per process (takes 50 ms). */
double ns_per_tick();

/* Least distance of two successive readings in ns: contained in every sample. */
double timer_ns();

} // namespace decouple::bench

#endif
