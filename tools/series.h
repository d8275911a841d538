/* SPDX-License-Identifier: GPL-2.0-only */
/* What one test saw of one variant, and the figures that are made of it. */
#ifndef DECOUPLE_TOOLS_SERIES_H
#define DECOUPLE_TOOLS_SERIES_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace decouple::noise
{

enum class Method { fwq, ftq, gaps };
constexpr const char *method_name(Method method)
{
	return method == Method::fwq ? "fwq" : method == Method::ftq ? "ftq" : "gaps";
}

/* Ticks of the TSC in ns of CLOCK_MONOTONIC, by a reading of both clocks that is no older than the job. */
struct Timebase {
	uint64_t ticks = 0;
	double monotonic_ns = 0, ns_per_tick = 1;
	double at(uint64_t reading) const { return monotonic_ns + double(int64_t(reading - ticks)) * ns_per_tick; }
};

struct Sample {
	double at_ns; /* its beginning, CLOCK_MONOTONIC */
	double ns; /* fwq: time that the quantum of work took; ftq: time lost of the quantum; gaps: length of the gap */
};

/* Samples that one job took, without a break. */
struct Round {
	size_t first; /* its first sample */
	double at_ns, length_ns;
};

struct Series {
	Method method = Method::fwq;
	std::string variant = {};
	int core = 0;
	double quantum_ns = 0; /* ftq */
	std::vector<Sample> samples = {};
	std::vector<Round> rounds = {};
	double step_ns =
		0; /* ftq: a unit of work, gaps: least distance of two readings of the clock; what is shorter is not seen */
	uint64_t unrecorded = 0; /* gaps for which there was no room; they are in the figures below */
	double unrecorded_ns = 0;
	double longest_unrecorded_ns = 0;
};

double measured_ns(const Series &series);
/* Time of a sample on an axis on which the rounds follow each other without a break, from 0. `samples` must be asked in order. */
std::vector<double> own_times(const Series &series);
/* What each sample lost: fwq: more than the shortest; else the sample itself. */
std::vector<double> detours(const Series &series);

/* In ns. Of no samples (no gap was seen) all are 0. */
struct Figures {
	size_t n = 0; /* with those that were not recorded */
	double min = 0, p50 = 0, p99 = 0, p999 = 0, p9999 = 0, max = 0;
	double detour_sum = 0;
	double measured = 0;
	std::optional<double> per_minute = {}; /* gaps */
};

Figures figures(const Series &series);

/*
 * Buckets of equal width on a logarithmic scale, 16 to the octave, exact below 16 ns: at most 6 % wide. The raw histogram of the JSON form
 * and the bars of the charts.
 */
struct Bucket {
	double low, high; /* ns, low <= value < high */
	size_t count;
};

/* Only buckets that are not empty, ascending. */
std::vector<Bucket> histogram(const std::vector<double> &values);

} // namespace decouple::noise

#endif
