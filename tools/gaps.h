/* SPDX-License-Identifier: GPL-2.0-only */
/* Gaps: the clock is read without a pause; between which two readings did more time pass than the threshold? */
#ifndef DECOUPLE_TOOLS_GAPS_H
#define DECOUPLE_TOOLS_GAPS_H

#include <span>

#include "noise_job.h"
#include "series.h"

namespace decouple::noise
{

/* What the job writes in front of the gaps. */
struct GapTotals {
	uint64_t start, end; /* readings of the clock */
	uint64_t count, sum, longest; /* of all gaps, ticks; also of those for which there was no room */
	uint64_t least; /* distance of two readings */
};
constexpr uint64_t gap_header = sizeof(GapTotals) / sizeof(uint64_t);

/*
 * One step of the detector, for the job and for the tests: the reading `now` follows `last`. Gaps are pairs of beginning and length
 * behind the totals, as long as `room` for another one is there.
 */
inline void see_reading(GapTotals &totals, uint64_t *gaps, uint64_t room, uint64_t threshold, uint64_t last, uint64_t now)
{
	const uint64_t distance = now - last;
	if (distance < totals.least)
		totals.least = distance;
	if (__builtin_expect(distance <= threshold, 1))
		return;
	if (totals.count < room) {
		gaps[2 * totals.count] = last;
		gaps[2 * totals.count + 1] = distance;
	}
	totals.count++;
	totals.sum += distance;
	if (distance > totals.longest)
		totals.longest = distance;
}

/* arg: gap_argument(). Samples: GapTotals, then gaps. */
int64_t gaps_job(Channel &channel);

/* arg of the job in one word: ticks to look, and threshold in ticks. */
constexpr unsigned gap_threshold_bits = 20;
constexpr uint64_t gap_argument(uint64_t duration_ticks, uint64_t threshold_ticks)
{
	return duration_ticks << gap_threshold_bits | threshold_ticks;
}

/* Appends a round. */
void append_gaps(Series &series, std::span<const uint64_t> samples, const Timebase &timebase);

} // namespace decouple::noise

#endif
