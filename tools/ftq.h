/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * FTQ, fixed time quantum (Sandia): how much work gets done in each of equal, successive spans of time?
 *
 * The spans lie on a fixed grid: one that a disturbance covers wholly has no work in it, and nothing shifts those behind it.
 */
#ifndef DECOUPLE_TOOLS_FTQ_H
#define DECOUPLE_TOOLS_FTQ_H

#include <span>

#include "noise_job.h"
#include "series.h"

namespace decouple::noise
{

/* Steps of work in a unit: some 20 ns with the reading of the clock, which is the resolution. */
constexpr uint64_t ftq_unit_steps = 16;

/* arg: quantum in ticks. Samples: the first reading of the clock, then units of work done in each quantum. */
int64_t ftq_job(Channel &channel);

/* Appends a round; `ns` of its samples are units of work until the last round is there and count_losses() is called. */
void append_ftq(Series &series, std::span<const uint64_t> samples, uint64_t quantum_ticks, const Timebase &timebase);

/* Units of work become time lost: a quantum with as many units as the fullest of all rounds lost nothing. */
void count_losses(Series &series);

} // namespace decouple::noise

#endif
