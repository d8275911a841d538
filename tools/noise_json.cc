// SPDX-License-Identifier: GPL-2.0-only
// The result for programs.

#include <cmath>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "noise_result.h"

namespace decouple::noise
{

namespace
{

using nlohmann::ordered_json;

double rounded(double value, double per_unit = 10)
{
	return std::round(value * per_unit) / per_unit;
}

template <class T> ordered_json or_null(const std::optional<T> &value)
{
	return value ? ordered_json(*value) : ordered_json(nullptr);
}

ordered_json host_json(const NoiseResult &result)
{
	const bench::Host &host = result.host;
	const Isolation &isolation = result.isolation;
	return {{"cpu", host.cpu},
		{"kernel", host.kernel},
		{"command_line", isolation.command_line},
		{"kvm", host.kvm},
		{"virtual_machine", isolation.virtual_machine},
		{"cores",
		 {{"plain", result.plan.core},
		  {"reserved", or_null(result.plan.reserved)},
		  {"decoupled", result.plan.decoupled_core()},
		  {"service", result.plan.service}}},
		{"isolation",
		 {{"reserved", isolation.reserved},
		  {"nohz_full", isolation.nohz_full},
		  {"rcu_nocbs", isolation.rcu_nocbs},
		  {"isolated", isolation.isolated},
		  {"hush", isolation.hush},
		  {"governor", isolation.governor}}},
		{"date", host.date},
		{"tsc_mhz", rounded(host.tsc_mhz, 1e3)},
		{"tsc_invariant", isolation.invariant_tsc},
		{"timer_ns", rounded(host.timer_ns)},
		{"load", rounded(host.load, 100)}};
}

ordered_json row_json(const Series &series)
{
	const Figures all = figures(series);
	ordered_json row = {{"name", std::string(method_name(series.method)) + "_" + series.variant},
			    {"test", method_name(series.method)},
			    {"variant", series.variant},
			    {"core", series.core},
			    {"n", all.n},
			    {"min", rounded(all.min)},
			    {"p50", rounded(all.p50)},
			    {"p99", rounded(all.p99)},
			    {"p999", rounded(all.p999)},
			    {"p9999", rounded(all.p9999)},
			    {"max", rounded(all.max)},
			    {"detour_sum", rounded(all.detour_sum)},
			    {"measured", rounded(all.measured)}};
	if (all.per_minute)
		row["gaps_per_minute"] = rounded(*all.per_minute, 1000);
	if (series.step_ns > 0)
		row["resolution"] = rounded(series.step_ns, 1000);
	return row;
}

// By row: [from, below, count], of detours.
ordered_json histograms_json(const NoiseResult &result)
{
	ordered_json all = ordered_json::object();
	for (const Series &series : result.series) {
		ordered_json buckets = ordered_json::array();
		for (const Bucket &bucket : histogram(detours(series)))
			buckets.push_back({rounded(bucket.low), rounded(bucket.high), bucket.count});
		all[std::string(method_name(series.method)) + "_" + series.variant] = std::move(buckets);
	}
	return all;
}

ordered_json variants_json(const NoiseResult &result)
{
	ordered_json all = ordered_json::object();
	for (const VariantResult &variant : result.variants) {
		ordered_json one = {{"core", variant.core},
				    {"smi", or_null(variant.counters.smi)},
				    {"steal", or_null(variant.counters.steal_ns)},
				    {"interrupts", variant.counters.interrupts}};
		if (variant.exits)
			one["exits"] = *variant.exits;
		if (variant.page_exits)
			one["page_exits"] = *variant.page_exits;
		all[variant.name] = std::move(one);
	}
	return all;
}

ordered_json causes_json(const NoiseResult &result)
{
	if (!result.attributed)
		return nullptr;
	ordered_json all = ordered_json::array();
	for (const CauseTotal &total : result.causes)
		all.push_back({{"cause", total.cause},
			       {"n", total.count},
			       {"sum", rounded(total.sum_ns)},
			       {"max", rounded(total.longest_ns)}});
	return all;
}

ordered_json verdict_json(const NoiseResult &result)
{
	if (!result.verdict)
		return nullptr;
	ordered_json violations = ordered_json::array();
	for (const Violation &violation : result.verdict->violations)
		violations.push_back({{"test", method_name(violation.method)},
				      {"limit", violation.limit},
				      {"bound", violation.bound},
				      {"measured", rounded(violation.measured, 1000)},
				      {"worst", rounded(violation.worst.ns)},
				      {"worst_at", std::round(violation.worst.at_ns)},
				      {"cause", violation.cause}});
	return {{"budget", result.plan.budget->text},
		{"variant", result.plan.budget->variant},
		{"pass", result.verdict->pass},
		{"violations", std::move(violations)},
		{"missing", result.verdict->missing}};
}

} // namespace

void print_json(const NoiseResult &result)
{
	ordered_json out;
	out["bench"] = "noise";
	out["unit"] = "ns";
	out["host"] = host_json(result);
	out["options"] = {{"quantum", result.plan.quantum_ns},
			  {"samples", result.plan.samples},
			  {"rounds", result.plan.rounds},
			  {"threshold", result.plan.threshold_ns},
			  {"duration", result.plan.duration_ns},
			  {"steps", result.fwq_steps},
			  {"calibrated_on", result.fwq_calibrated_on}};
	out["rows"] = ordered_json::array();
	for (const Series &series : result.series)
		out["rows"].push_back(row_json(series));
	out["floor"] = ordered_json::object();
	for (Method method : result.plan.methods)
		out["floor"][method_name(method)] = rounded(result.floor_ns(method), 1000);
	out["variants"] = variants_json(result);
	out["loads"] = ordered_json::object();
	for (const LoadResult &load : result.loads)
		out["loads"][load.name] = load.operations;
	out["churn_cycles"] = or_null(result.churn_cycles);
	out["causes"] = causes_json(result);
	out["verdict"] = verdict_json(result);
	out["histograms"] = histograms_json(result);
	out["notes"] = result.notes;
	if (!result.why_no_smi.empty())
		out["notes"].push_back("SMI count not available: " + result.why_no_smi);
	if (!result.attributed && !result.plan.no_why)
		out["notes"].push_back("causes: not known, load the module for `decouple why`" +
				       (result.why_not.empty() ? "" : ": " + result.why_not));
	// Bytes of another encoding (a CPU's name, a path in a message) are replaced: the default is an exception.
	puts(out.dump(-1, ' ', false, ordered_json::error_handler_t::replace).c_str());
}

} // namespace decouple::noise
