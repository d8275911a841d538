/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the jobs of `decouple noise` have in common.
 *
 * A job reads the TSC and computes: no system call, no memory but its samples, which it touches before it begins, no division.
 * What it writes is plain ticks; the meaning is made of them afterwards, by the functions next to each job.
 */
#ifndef DECOUPLE_TOOLS_NOISE_JOB_H
#define DECOUPLE_TOOLS_NOISE_JOB_H

#include <cstdint>

#include "tsc.h"
#include "worker.h"

namespace decouple::noise
{

using bench::Channel;
using bench::ticks;

/*
 * `steps` steps of a dependent chain in one register: what it takes is the core's clock and nothing else (no memory, no second
 * execution unit, no branch that could be mispredicted but the last). Not inlined: every test and variant runs these very
 * instructions.
 */
uint64_t work(uint64_t steps);

/* Writes the samples' memory, so that no page of it is missing later, in the guest's tables either. */
void touch_samples(Channel &channel);

} // namespace decouple::noise

#endif
