// SPDX-License-Identifier: GPL-2.0-only
// Figures and histograms of series.

#include "series.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "hist.h"

namespace decouple::noise
{

double measured_ns(const Series &series)
{
	double sum = 0;
	for (const Round &round : series.rounds)
		sum += round.length_ns;
	return sum;
}

std::vector<double> own_times(const Series &series)
{
	std::vector<double> times;
	times.reserve(series.samples.size());
	double before = 0;
	for (size_t r = 0; r < series.rounds.size(); r++) {
		const Round &round = series.rounds[r];
		size_t end = r + 1 < series.rounds.size() ? series.rounds[r + 1].first : series.samples.size();
		for (size_t i = round.first; i < end; i++)
			times.push_back(before + series.samples[i].at_ns - round.at_ns);
		before += round.length_ns;
	}
	return times;
}

std::vector<double> detours(const Series &series)
{
	std::vector<double> values;
	values.reserve(series.samples.size());
	double least = 0;
	if (series.method == Method::fwq && !series.samples.empty())
		least = std::min_element(series.samples.begin(), series.samples.end(), [](const Sample &a, const Sample &b) {
				return a.ns < b.ns;
			})->ns;
	for (const Sample &sample : series.samples)
		values.push_back(sample.ns - least);
	return values;
}

Figures figures(const Series &series)
{
	Figures result = {.n = series.samples.size() + series.unrecorded, .measured = measured_ns(series)};
	for (double detour : detours(series))
		result.detour_sum += detour;
	result.detour_sum += series.unrecorded_ns;
	if (series.method == Method::gaps && result.measured > 0)
		result.per_minute = double(result.n) * 60e9 / result.measured;
	if (series.samples.empty())
		return result;
	std::vector<double> sorted;
	sorted.reserve(series.samples.size());
	for (const Sample &sample : series.samples)
		sorted.push_back(sample.ns);
	std::sort(sorted.begin(), sorted.end());
	result.min = sorted.front();
	result.p50 = bench::nearest_rank(sorted, 50, 100);
	result.p99 = bench::nearest_rank(sorted, 99, 100);
	result.p999 = bench::nearest_rank(sorted, 999, 1000);
	result.p9999 = bench::nearest_rank(sorted, 9999, 10000);
	result.max = std::max(sorted.back(), series.longest_unrecorded_ns);
	return result;
}

namespace
{

constexpr int per_octave = 16;

// Bucket of a value: 0 to 15 are those of 0 to 15 ns.
int bucket_of(double value)
{
	if (value < per_octave)
		return std::max(0, int(value));
	int octave = std::ilogb(value); // 4 for 16 to 31
	double base = std::ldexp(1.0, octave);
	return per_octave + (octave - 4) * per_octave + int((value - base) / base * per_octave);
}

double low_of(int bucket)
{
	if (bucket < per_octave)
		return bucket;
	int octave = bucket / per_octave + 3;
	return std::ldexp(1.0 + double(bucket % per_octave) / per_octave, octave);
}

} // namespace

std::vector<Bucket> histogram(const std::vector<double> &values)
{
	std::map<int, size_t> counts;
	for (double value : values)
		counts[bucket_of(value)]++;
	std::vector<Bucket> buckets;
	for (auto [bucket, count] : counts)
		buckets.push_back({low_of(bucket), low_of(bucket + 1), count});
	return buckets;
}

} // namespace decouple::noise
