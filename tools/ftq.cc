// SPDX-License-Identifier: GPL-2.0-only
// Taking and reading FTQ samples.

#include "ftq.h"

#include <algorithm>

namespace decouple::noise
{

int64_t ftq_job(Channel &channel)
{
	touch_samples(channel);
	const uint64_t quantum = channel.arg, count = channel.count;
	uint64_t *samples = channel.samples;
	// The first quantum, in which caches and branch predictors warm up, is overwritten by the second.
	uint64_t start = ticks(), end = start + quantum, done = 0;
	bool warm = false;
	for (uint64_t i = 1; i < count;) {
		work(ftq_unit_steps);
		uint64_t now = ticks();
		// Most often once; as often as quanta ended since the last look.
		while (now >= end) {
			if (warm)
				samples[i++] = done;
			else
				samples[0] = end;
			warm = true;
			done = 0;
			end += quantum;
			if (i == count)
				return 0;
		}
		done++;
	}
	return 0;
}

void append_ftq(Series &series, std::span<const uint64_t> samples, uint64_t quantum_ticks, const Timebase &timebase)
{
	if (samples.size() < 2)
		return;
	series.rounds.push_back({series.samples.size(), timebase.at(samples[0]),
				 double(quantum_ticks * (samples.size() - 1)) * timebase.ns_per_tick});
	for (size_t i = 1; i < samples.size(); i++)
		series.samples.push_back({timebase.at(samples[0] + quantum_ticks * (i - 1)), double(samples[i])});
}

void count_losses(Series &series)
{
	double most = 0;
	for (const Sample &sample : series.samples)
		most = std::max(most, sample.ns);
	// Not a unit in any quantum: all time was lost.
	series.step_ns = most > 0 ? series.quantum_ns / most : series.quantum_ns;
	for (Sample &sample : series.samples)
		sample.ns = most > 0 ? (most - sample.ns) * series.step_ns : series.quantum_ns;
}

} // namespace decouple::noise
