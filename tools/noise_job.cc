// SPDX-License-Identifier: GPL-2.0-only
// The unit of work, and touching of sample memory.

#include "noise_job.h"

namespace decouple::noise
{

__attribute__((noinline, aligned(64))) uint64_t work(uint64_t steps)
{
	uint64_t x = steps;
	for (; steps; steps--) {
		x += steps;
		// Keeps the compiler from finding a closed form of the sum.
		asm volatile("" : "+r"(x));
	}
	return x;
}

void touch_samples(Channel &channel)
{
	for (uint64_t i = 0; i < channel.count; i++)
		channel.samples[i] = 0;
	// The stores must be made now, though the job overwrites them.
	asm volatile("" : : : "memory");
}

} // namespace decouple::noise
