// SPDX-License-Identifier: GPL-2.0-only
// Taking and reading gaps.

#include "gaps.h"

#include <algorithm>
#include <cstring>

namespace decouple::noise
{

int64_t gaps_job(Channel &channel)
{
	if (channel.count < gap_header)
		return -EINVAL;
	touch_samples(channel);
	const uint64_t threshold = channel.arg & ((1ull << gap_threshold_bits) - 1),
		       duration = channel.arg >> gap_threshold_bits;
	uint64_t *gaps = channel.samples + gap_header;
	const uint64_t room = (channel.count - gap_header) / 2;
	// Kept in registers by the compiler, as far as there are enough.
	GapTotals totals = {.start = ticks(), .end = 0, .count = 0, .sum = 0, .longest = 0, .least = ~0ull};
	uint64_t last = totals.start;
	const uint64_t end = last + duration;
	while (last < end) {
		uint64_t now = ticks();
		see_reading(totals, gaps, room, threshold, last, now);
		last = now;
	}
	totals.end = last;
	std::memcpy(channel.samples, &totals, sizeof totals);
	return 0;
}

void append_gaps(Series &series, std::span<const uint64_t> samples, const Timebase &timebase)
{
	if (samples.size() < gap_header)
		return;
	GapTotals totals;
	std::memcpy(&totals, samples.data(), sizeof totals);
	const uint64_t recorded = std::min<uint64_t>(totals.count, (samples.size() - gap_header) / 2);
	series.rounds.push_back(
		{series.samples.size(), timebase.at(totals.start), double(totals.end - totals.start) * timebase.ns_per_tick});
	uint64_t sum = 0;
	for (uint64_t i = 0; i < recorded; i++) {
		const uint64_t *gap = samples.data() + gap_header + 2 * i;
		series.samples.push_back({timebase.at(gap[0]), double(gap[1]) * timebase.ns_per_tick});
		sum += gap[1];
	}
	const double least = double(totals.least) * timebase.ns_per_tick;
	series.step_ns = series.step_ns > 0 ? std::min(series.step_ns, least) : least;
	if (recorded == totals.count)
		return;
	series.unrecorded += totals.count - recorded;
	series.unrecorded_ns += double(totals.sum - sum) * timebase.ns_per_tick;
	series.longest_unrecorded_ns = std::max(series.longest_unrecorded_ns, double(totals.longest) * timebase.ns_per_tick);
}

} // namespace decouple::noise
