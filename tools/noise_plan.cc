// SPDX-License-Identifier: GPL-2.0-only
// Checking of options and choice of cores.

#include "noise_plan.h"

#include <algorithm>

#include "duration.h"
#include "gaps.h"
#include "load.h"
#include "placement.h"
#include "reserved_cores.h"

namespace decouple::noise
{

namespace
{

bool has(const std::vector<int> &cores, int core)
{
	return std::find(cores.begin(), cores.end(), core) != cores.end();
}

std::string list_of(const std::vector<int> &cores)
{
	std::string text;
	for (int core : cores)
		text += (text.empty() ? "" : ",") + std::to_string(core);
	return text.empty() ? "none" : text;
}

void take(std::vector<int> &cores, int core)
{
	std::erase(cores, core);
}

Result<double> duration_between(const std::string &option, const std::string &text, double least_ns, double most_ns)
{
	const double ns = TRY(parse_duration(option, text));
	if (ns < least_ns || ns > most_ns)
		return fail(EINVAL, option + " " + text + ": between " + format_duration(least_ns) + " and " +
					    format_duration(most_ns));
	return ns;
}

Result<std::vector<Method>> parse_methods(const std::string &text)
{
	std::vector<Method> methods;
	for (size_t at = 0; at <= text.size();) {
		const size_t comma = std::min(text.find(',', at), text.size());
		const std::string name = text.substr(at, comma - at);
		at = comma + 1;
		const size_t before = methods.size();
		for (Method method : {Method::fwq, Method::ftq, Method::gaps})
			if (name == method_name(method) && std::find(methods.begin(), methods.end(), method) == methods.end())
				methods.push_back(method);
		if (methods.size() == before)
			return fail(EINVAL, "--test " + text + ": \"" + name +
						    "\" is no test, or given twice; there are fwq, ftq and gaps");
	}
	return methods;
}

} // namespace

Result<> choose_noise_cores(const NoiseArguments &arguments, std::vector<int> allowed, const std::vector<int> &reserved,
			    Plan &plan)
{
	const std::string core_option = "--core " + std::to_string(arguments.core);
	const std::string reserved_option = "--reserved " + std::to_string(arguments.reserved);
	plan.all_reserved = reserved;
	for (int core : reserved)
		take(allowed, core);

	// The churned core is none of those that are measured.
	if (arguments.churn >= 0) {
		if (has(reserved, arguments.churn))
			return fail(EINVAL, "--churn " + std::to_string(arguments.churn) +
						    ": the core is reserved already, and would be released; name another");
		if (!has(allowed, arguments.churn))
			return fail(EINVAL, "--churn " + std::to_string(arguments.churn) + ": core " +
						    std::to_string(arguments.churn) + " is not among the allowed cores (" +
						    list_of(allowed) + ")");
		plan.churn = arguments.churn;
		take(allowed, arguments.churn);
	}

	if (arguments.reserved >= 0) {
		if (!has(reserved, arguments.reserved))
			return fail(EINVAL, reserved_option + ": that core is not reserved (reserved are: " +
						    list_of(reserved) + "); see decouple cores");
		plan.reserved = arguments.reserved;
	} else if (!reserved.empty()) {
		plan.reserved = reserved.back();
	}

	if (allowed.size() < 2)
		return fail(EOPNOTSUPP, "a core to measure and one for all else are needed, but only these are allowed: " +
						list_of(allowed) + (plan.churn ? " (besides that of --churn)" : "") +
						"; widen the affinity with taskset or the cpuset");
	plan.core = arguments.core >= 0 ? arguments.core : allowed.back();
	if (has(reserved, plan.core))
		return fail(EINVAL,
			    core_option + ": that core is reserved; name it with --reserved, and a plain one with --core");
	if (arguments.core >= 0 && arguments.core == arguments.churn)
		return fail(EINVAL, core_option + ": that core is churned; name another one");
	if (!has(allowed, plan.core))
		return fail(EINVAL, core_option + ": core " + std::to_string(plan.core) + " is not among the allowed cores (" +
					    list_of(allowed) + ")");
	take(allowed, plan.core);
	plan.service = allowed;
	return {};
}

Result<Plan> make_plan(const NoiseArguments &arguments)
{
	Plan plan;
	plan.quantum_ns = TRY(duration_between("--quantum", arguments.quantum, 1e3, 1e9));
	// The job holds the threshold in some 20 bits of ticks.
	plan.threshold_ns = TRY(duration_between("--threshold", arguments.threshold, 20, 100e3));
	plan.duration_ns = TRY(duration_between("--duration", arguments.duration, 10e6, 24 * 3600e9));
	plan.samples = arguments.samples;
	plan.rounds = std::min(arguments.rounds, arguments.samples);
	plan.methods = TRY(parse_methods(arguments.tests));
	if (!arguments.load.empty())
		plan.loads = TRY(parse_loads(arguments.load));
	if (!arguments.budget.empty()) {
		plan.budget = TRY(parse_budget(arguments.budget));
		TRY(check_budget(*plan.budget, plan.methods));
	}
	plan.reflector = arguments.reflector == "module"   ? Reflector::module
			 : arguments.reflector == "signal" ? Reflector::signal
							   : Reflector::automatic;
	if (arguments.no_why && !arguments.causes.empty())
		return fail(EINVAL, "--no-why and --causes exclude each other");
	plan.no_why = arguments.no_why;
	plan.html = arguments.html;
	plan.causes = arguments.causes;
	TRY(choose_noise_cores(arguments, bench::allowed_cores(), reserved_cores(), plan));
	if (plan.budget && plan.budget->variant == "reserved" && !plan.reserved)
		return fail(EINVAL, "--budget: variant=reserved, but no core is reserved; see decouple cores");
	return plan;
}

} // namespace decouple::noise
