// SPDX-License-Identifier: GPL-2.0-only
// Taking and reading FWQ samples.

#include "fwq.h"

#include <algorithm>
#include <cmath>

namespace decouple::noise
{

int64_t fwq_job(Channel &channel)
{
	touch_samples(channel);
	const uint64_t steps = channel.arg, count = channel.count;
	uint64_t *samples = channel.samples;
	work(steps); // warms up, and is not recorded
	samples[0] = ticks();
	for (uint64_t i = 1; i < count; i++) {
		work(steps);
		samples[i] = ticks();
	}
	return 0;
}

void append_fwq(Series &series, std::span<const uint64_t> readings, const Timebase &timebase)
{
	if (readings.size() < 2)
		return;
	series.rounds.push_back({series.samples.size(), timebase.at(readings.front()),
				 double(readings.back() - readings.front()) * timebase.ns_per_tick});
	for (size_t i = 1; i < readings.size(); i++)
		series.samples.push_back(
			{timebase.at(readings[i - 1]), double(readings[i] - readings[i - 1]) * timebase.ns_per_tick});
}

Result<uint64_t> calibrate_fwq(double quantum_ns, const std::function<Result<double>(uint64_t steps)> &run)
{
	// A first guess of a GHz, then two corrections: the cost of reading the clock is a part of the quantum and not proportional. On a busy
	// machine one run may have no undisturbed quantum.
	uint64_t steps = std::max<uint64_t>(1, uint64_t(quantum_ns));
	for (int i = 0; i < 3; i++) {
		double took_ns = TRY(run(steps));
		for (int again = 0; again < 2; again++)
			took_ns = std::min(took_ns, TRY(run(steps)));
		if (took_ns <= 0)
			return fail(EIO, "the clock stands still: " + std::to_string(steps) + " steps of work took no time");
		steps = std::max<uint64_t>(1, uint64_t(std::llround(double(steps) * quantum_ns / took_ns)));
	}
	return steps;
}

} // namespace decouple::noise
