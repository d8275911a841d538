// SPDX-License-Identifier: GPL-2.0-only
// Parsing and judging of budgets.

#include "budget.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "duration.h"
#include "hist.h"

namespace decouple::noise
{

namespace
{

constexpr size_t whole_percent = 1'000'000; // four decimals

std::unexpected<Error> refuse(const std::string &item, const std::string &why)
{
	return fail(EINVAL, "--budget: " + item + ": " + why);
}

Result<Limit> parse_percentile(const std::string &name)
{
	// By hand, for 99.99 * 10000 is not an integer in binary.
	const size_t dot = name.find('.');
	const std::string before = name.substr(1, dot == name.npos ? name.npos : dot - 1);
	const std::string decimals = dot == name.npos ? "" : name.substr(dot + 1);
	const std::string digits = before + decimals + std::string(4 - std::min<size_t>(4, decimals.size()), '0');
	size_t parts = 0;
	auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), parts);
	if (before.empty() || decimals.size() > 4 || (dot != name.npos && decimals.empty()) || error != std::errc() ||
	    end != digits.data() + digits.size() || !parts || parts >= whole_percent)
		return refuse(name, "a percentile lies above 0 and below 100, with four decimals at most, as in p99.99");
	return Limit{.of = Limit::Of::percentile, .parts = parts, .whole = whole_percent, .bound = 0, .name = name};
}

Result<double> parse_rate(const std::string &item, const std::string &text)
{
	double number = 0;
	auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
	if (error != std::errc() || std::string(end, text.data() + text.size()) != "/min" || !std::isfinite(number) ||
	    number < 0)
		return refuse(item, "give a number of gaps per minute, as in gaps=10/min");
	return number;
}

Result<Limit> parse_limit(const std::string &name, const std::string &bound)
{
	const std::string item = name + "=" + bound;
	if (name == "gaps")
		return Limit{.of = Limit::Of::gaps, .bound = TRY(parse_rate(item, bound)), .name = name};
	Limit limit = {.of = Limit::Of::max, .bound = 0, .name = name};
	if (name != "max") {
		if (name.size() < 2 || name[0] != 'p' || name[1] < '0' || name[1] > '9')
			return refuse(item, "limits are pN (a percentile, as in p99.99), max and gaps; variant says of what");
		limit = TRY(parse_percentile(name));
	}
	limit.bound = TRY(parse_duration("--budget: " + name, bound));
	return limit;
}

bool applies(const Limit &limit, Method method)
{
	return limit.of == Limit::Of::max || (limit.of == Limit::Of::gaps) == (method == Method::gaps);
}

double measure(const Limit &limit, const Series &series)
{
	if (limit.of == Limit::Of::gaps)
		return figures(series).per_minute.value_or(0);
	std::vector<double> lost = detours(series);
	std::sort(lost.begin(), lost.end());
	if (lost.empty())
		return 0;
	return limit.of == Limit::Of::max ? std::max(lost.back(), series.longest_unrecorded_ns)
					  : bench::nearest_rank(lost, limit.parts, limit.whole);
}

// The samples that lost more than the bound (of a rate: all), as spans of time; the worst one, with what it lost, in `worst`.
std::vector<Sample> offenders(const Limit &limit, const Series &series, Sample &worst)
{
	std::vector<Sample> spans;
	const std::vector<double> lost = detours(series);
	worst = {};
	for (size_t i = 0; i < lost.size(); i++) {
		const Sample &sample = series.samples[i];
		if (lost[i] > worst.ns)
			worst = {sample.at_ns, lost[i]};
		if (limit.of == Limit::Of::gaps || lost[i] > limit.bound)
			spans.push_back({sample.at_ns, series.method == Method::ftq ? series.quantum_ns : sample.ns});
	}
	return spans;
}

} // namespace

Result<Budget> parse_budget(const std::string &text)
{
	Budget budget = {.text = text};
	std::vector<std::string> seen;
	for (size_t at = 0; at <= text.size();) {
		const size_t comma = std::min(text.find(',', at), text.size());
		const std::string item = text.substr(at, comma - at);
		at = comma + 1;
		const size_t equals = item.find('=');
		if (equals == item.npos)
			return refuse(item.empty() ? "\"" + text + "\"" : item,
				      "limits have a bound, as in p99.99=2us,max=50us,gaps=10/min");
		const std::string name = item.substr(0, equals), bound = item.substr(equals + 1);
		if (std::find(seen.begin(), seen.end(), name) != seen.end())
			return refuse(item, name + " is given twice");
		seen.push_back(name);
		if (name != "variant") {
			budget.limits.push_back(TRY(parse_limit(name, bound)));
			continue;
		}
		if (bound != "native" && bound != "reserved" && bound != "decoupled")
			return refuse(item, "variants are native, reserved and decoupled");
		budget.variant = bound;
	}
	if (budget.limits.empty())
		return refuse(text, "no limit is given; as in p99.99=2us,max=50us,gaps=10/min");
	return budget;
}

Result<> check_budget(const Budget &budget, const std::vector<Method> &methods)
{
	for (const Limit &limit : budget.limits)
		if (std::none_of(methods.begin(), methods.end(), [&](Method method) { return applies(limit, method); }))
			return refuse(limit.name, limit.of == Limit::Of::gaps
							  ? "is judged by the test gaps, which --test leaves out"
							  : "is judged by fwq and ftq, which --test leaves out");
	return {};
}

Verdict judge(const Budget &budget, const std::vector<Method> &methods, const std::vector<Series> &all, const CauseOf &cause)
{
	Verdict verdict;
	for (Method method : methods) {
		auto series = std::find_if(all.begin(), all.end(), [&](const Series &candidate) {
			return candidate.method == method && candidate.variant == budget.variant;
		});
		if (series == all.end()) {
			verdict.missing.push_back(method_name(method));
			continue;
		}
		for (const Limit &limit : budget.limits) {
			const double measured = applies(limit, method) ? measure(limit, *series) : 0;
			if (measured <= limit.bound)
				continue;
			Sample worst;
			const std::vector<Sample> spans = offenders(limit, *series, worst);
			verdict.violations.push_back({method, limit.name, limit.bound, measured, worst, cause(*series, spans)});
		}
	}
	verdict.pass = verdict.violations.empty() && verdict.missing.empty();
	return verdict;
}

} // namespace decouple::noise
