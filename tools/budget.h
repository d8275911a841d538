/* SPDX-License-Identifier: GPL-2.0-only */
/* A budget of noise, and the verdict whether a run kept it: for CI. */
#ifndef DECOUPLE_TOOLS_BUDGET_H
#define DECOUPLE_TOOLS_BUDGET_H

#include <functional>

#include "base/result.h"
#include "series.h"

namespace decouple::noise
{

struct Limit {
	enum class Of { percentile, max, gaps } of;
	size_t parts = 0, whole = 100; /* of a percentile: 9999 of 10000 */
	double bound; /* ns; gaps: per minute */
	std::string name; /* as it was written: "p99.99" */
};

/* Times are detours: what a quantum lost, how long a gap was. Percentiles judge fwq and ftq, max all methods, gaps the gaps. */
struct Budget {
	std::string text;
	std::string variant = "decoupled";
	std::vector<Limit> limits = {};
};

/*
 * "p99.99=2us,max=50us,gaps=10/min[,variant=V]". Error EINVAL: an unknown or repeated name, no limit, a bound without its unit, a percentile
 * that is not above 0 and below 100 or has more than four decimals.
 */
Result<Budget> parse_budget(const std::string &text);

/* Does the budget have a limit that none of these methods can be judged by? Error EINVAL names it. */
Result<> check_budget(const Budget &budget, const std::vector<Method> &methods);

struct Violation {
	Method method;
	std::string limit;
	double bound, measured; /* as Limit::bound */
	Sample worst; /* the longest detour of that test: its time, and its length */
	std::string cause; /* a sentence */
};

struct Verdict {
	bool pass = true;
	std::vector<Violation> violations;
	std::vector<std::string> missing; /* methods of which the variant has no series: then nothing passes */
};

/* Judges the budget's variant. cause(): what is known of spans of time (beginning and length) on the core of a series. */
using CauseOf = std::function<std::string(const Series &, const std::vector<Sample> &spans)>;
Verdict judge(const Budget &budget, const std::vector<Method> &methods, const std::vector<Series> &all, const CauseOf &cause);

} // namespace decouple::noise

#endif
