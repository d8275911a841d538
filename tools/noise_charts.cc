// SPDX-License-Identifier: GPL-2.0-only
// What is drawn of a series.

#include "noise_charts.h"

#include <algorithm>
#include <cmath>

#include "chart.h"
#include "duration.h"

namespace decouple::noise
{

namespace
{

constexpr double least_detour_ns = 10; // a logarithmic axis has no zero; this is below what the clock resolves
constexpr double panel_width = 460, panel_height = 230, wide_width = 460, wide_height = 280;

// "10 µs": without digits that say nothing.
std::string decade_label(double ns)
{
	std::string text = shown_duration(ns);
	for (const char *zeros : {".00", ".0"})
		if (auto at = text.find(zeros); at != text.npos) {
			text.erase(at, std::string(zeros).size());
			break;
		}
	return text;
}

std::string plain_label(double value)
{
	char text[32];
	snprintf(text, sizeof text, "%.10g", std::round(value * 1e6) / 1e6);
	return text;
}

std::string share_label(double share)
{
	return plain_label(share * 100) + " %";
}

double longest(const NoiseResult &result, Method method)
{
	double most = 0;
	for (const Series &series : result.series)
		if (series.method == method)
			for (double detour : detours(series))
				most = std::max(most, detour);
	return std::max(most, 10 * least_detour_ns);
}

double longest_time(const NoiseResult &result, Method method)
{
	double most = 0;
	for (const Series &series : result.series)
		if (series.method == method)
			most = std::max(most, measured_ns(series));
	return most;
}

Axis detour_axis(const NoiseResult &result, Method method, const std::string &title)
{
	const double low = method == Method::gaps ? std::max(least_detour_ns, result.plan.threshold_ns) : least_detour_ns;
	return decades(low, std::max(longest(result, method), 10 * low), title, decade_label);
}

// Share of the work of the fullest quantum, in percent.
double work_done(const Series &series, const Sample &sample)
{
	return 100 * (1 - sample.ns / series.quantum_ns);
}

double least_work(const NoiseResult &result)
{
	double least = 99;
	for (const Series &series : result.series)
		if (series.method == Method::ftq)
			for (const Sample &sample : series.samples)
				least = std::min(least, work_done(series, sample));
	return std::max(0.0, std::floor(least));
}

} // namespace

std::string shown_duration(double ns)
{
	std::string text = format_duration(ns);
	if (auto at = text.find(" us"); at != text.npos)
		text.replace(at, 3, " µs");
	return text;
}

std::string time_chart(const NoiseResult &result, const Series &series)
{
	const Axis time = linear(0, longest_time(result, series.method) / 1e9, "time measured, s", plain_label);
	const bool ftq = series.method == Method::ftq;
	Axis values =
		ftq ? linear(least_work(result), 100, "work done, %", plain_label)
		    : detour_axis(result, series.method, series.method == Method::fwq ? "time lost" : "length of the gap");
	Chart chart(panel_width, panel_height, time, values,
		    std::string(method_name(series.method)) + " over time, " + series.variant);
	const std::vector<double> times = own_times(series), lost = detours(series);
	std::vector<Point> points;
	points.reserve(lost.size());
	for (size_t i = 0; i < lost.size(); i++)
		points.push_back({times[i] / 1e9, ftq ? work_done(series, series.samples[i]) : lost[i]});
	chart.points(points, series.variant);
	return chart.svg();
}

std::string histogram_chart(const NoiseResult &result, Method method)
{
	constexpr int bins_per_decade = 12;
	const Axis lost = detour_axis(result, method, method == Method::gaps ? "length of the gap" : "time lost of a quantum");
	const int bins = int(std::lround(std::log10(lost.high / lost.low) * bins_per_decade));
	double least_share = 1;
	std::vector<std::pair<std::string, std::vector<double>>> all;
	for (const Series &series : result.series) {
		if (series.method != method || series.samples.empty())
			continue;
		std::vector<double> shares(size_t(bins), 0.0);
		for (double detour : detours(series)) {
			const double at = std::log10(std::clamp(detour, lost.low, lost.high) / lost.low) * bins_per_decade;
			shares[size_t(std::clamp(int(at), 0, bins - 1))] += 1 / double(series.samples.size());
		}
		least_share = std::min(least_share, 1 / double(series.samples.size()));
		all.emplace_back(series.variant, std::move(shares));
	}
	if (all.empty())
		return "";
	Chart chart(wide_width, wide_height, lost,
		    decades(least_share, 1, method == Method::gaps ? "share of gaps" : "share of quanta", share_label),
		    std::string(method_name(method)) + ": histogram of time lost");
	for (const auto &[variant, shares] : all) {
		std::vector<Point> line = {{lost.low, 0}};
		for (int i = 0; i < bins; i++)
			line.push_back({lost.low * std::pow(10, double(i) / bins_per_decade), shares[size_t(i)]});
		line.push_back({lost.high, 0});
		chart.steps(line, variant, true);
	}
	return chart.svg();
}

std::string exceedance_chart(const NoiseResult &result, Method method)
{
	const bool gaps = method == Method::gaps;
	const Axis lost = detour_axis(result, method, gaps ? "length, at least" : "time lost of a quantum, at least");
	double least = 1, most = gaps ? 0 : 1;
	std::vector<std::pair<std::string, std::vector<Point>>> lines;
	for (const Series &series : result.series) {
		if (series.method != method || series.samples.empty())
			continue;
		std::vector<double> sorted = detours(series);
		std::sort(sorted.begin(), sorted.end());
		// What one sample stands for: its share, or its rate.
		const double weight = gaps ? 60e9 / measured_ns(series) : 1 / double(sorted.size());
		least = std::min(least, weight);
		most = std::max(most, weight * double(sorted.size()));
		std::vector<Point> line;
		// One point where the line comes to another pixel at least; more would not be seen.
		for (size_t i = 0; i < sorted.size(); i++) {
			const bool last = i + 1 == sorted.size();
			if (!line.empty() && !last && std::max(sorted[i], lost.low) < line.back().x * 1.01)
				continue;
			line.push_back({std::max(sorted[i], lost.low), weight * double(sorted.size() - i)});
		}
		line.push_back({sorted.back(), 0});
		lines.emplace_back(series.variant, std::move(line));
	}
	if (lines.empty())
		return "";
	Chart chart(wide_width, wide_height, lost,
		    decades(least, most, gaps ? "gaps per minute" : "share of quanta", gaps ? plain_label : share_label),
		    std::string(method_name(method)) +
			    (gaps ? ": gaps per minute by length" : ": share of quanta by time lost"));
	for (const auto &[variant, line] : lines)
		chart.steps(line, variant, false);
	return chart.svg();
}

} // namespace decouple::noise
