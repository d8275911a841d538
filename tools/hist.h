/* SPDX-License-Identifier: GPL-2.0-only */
/* Exact statistics over raw samples; used by every bench, so that all figures mean the same. */
#ifndef DECOUPLE_TOOLS_HIST_H
#define DECOUPLE_TOOLS_HIST_H

#include <algorithm>
#include <cstddef>
#include <vector>

namespace decouple::bench
{

struct Summary {
	size_t n = 0;
	double min = 0, p50 = 0, p99 = 0, p999 = 0, max = 0;
};

/*
 * Nearest rank: the smallest sample that at least `parts` / `whole` of all samples do not exceed. Always a value that was
 * measured, never an interpolation. `sorted` must not be empty. In integers, since 0.999 * n rounds across a rank in binary.
 */
inline double nearest_rank(const std::vector<double> &sorted, size_t parts, size_t whole)
{
	size_t rank = (sorted.size() * parts + whole - 1) / whole;
	return sorted[std::clamp<size_t>(rank, 1, sorted.size()) - 1];
}

inline double percentile(const std::vector<double> &sorted, unsigned permille)
{
	return nearest_rank(sorted, permille, 1000);
}

inline Summary summarize(std::vector<double> samples)
{
	if (samples.empty())
		return {};
	std::sort(samples.begin(), samples.end());
	return {.n = samples.size(),
		.min = samples.front(),
		.p50 = percentile(samples, 500),
		.p99 = percentile(samples, 990),
		.p999 = percentile(samples, 999),
		.max = samples.back()};
}

inline double median(std::vector<double> samples)
{
	return summarize(std::move(samples)).p50;
}

} // namespace decouple::bench

#endif
