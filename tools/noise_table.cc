// SPDX-License-Identifier: GPL-2.0-only
// The result for a terminal.

#include <cstdio>

#include "duration.h"
#include "noise_result.h"

namespace decouple::noise
{

namespace
{

const char *or_none(const std::string &text)
{
	return text.empty() ? "none" : text.c_str();
}

void print_heads(const NoiseResult &result)
{
	const bench::Host &host = result.host;
	const Isolation &isolation = result.isolation;
	printf("noise on %s%s, Linux %s, KVM: %s\n", host.cpu.c_str(), isolation.virtual_machine ? " (a virtual machine)" : "",
	       host.kernel.c_str(), host.kvm.c_str());
	printf("cores: plain %d", result.plan.core);
	if (result.plan.reserved)
		printf(", reserved %d", *result.plan.reserved);
	printf(", decoupled on %d, service", result.plan.decoupled_core());
	for (size_t i = 0; i < result.plan.service.size(); i++)
		printf("%s%d", i ? "," : " ", result.plan.service[i]);
	printf("\nreserved: %s, nohz_full: %s, rcu_nocbs: %s, isolated: %s, hush: %s, governor: %s\n",
	       or_none(isolation.reserved), or_none(isolation.nohz_full), or_none(isolation.rcu_nocbs),
	       or_none(isolation.isolated), or_none(isolation.hush), or_none(isolation.governor));
	printf("load before: %.2f; %s\n", host.load, host.date.c_str());
}

void print_method(const NoiseResult &result, Method method)
{
	constexpr const char *subjects[] = {"fwq: time that a fixed quantum of work took",
					    "ftq: time lost of a fixed quantum of time",
					    "gaps: time between two readings of the clock"};
	printf("\n%s", subjects[int(method)]);
	if (method == Method::gaps)
		printf(", above %s\n", format_duration(result.plan.threshold_ns).c_str());
	else
		printf(" (%s)\n", format_duration(result.plan.quantum_ns).c_str());
	printf("%-10s %9s %12s %12s %12s %12s %12s %13s %10s\n", "ns", "n", "min", "p50", "p99", "p99.99", "max", "detour sum",
	       "gaps/min");
	for (const Series &series : result.series) {
		if (series.method != method)
			continue;
		const Figures all = figures(series);
		printf("%-10s %9zu %12.1f %12.1f %12.1f %12.1f %12.1f %13.0f ", series.variant.c_str(), all.n, all.min, all.p50,
		       all.p99, all.p9999, all.max, all.detour_sum);
		if (all.per_minute)
			printf("%10.1f\n", *all.per_minute);
		else
			printf("%10s\n", "-");
	}
	printf("%s: %.1f ns\n",
	       method == Method::fwq   ? "hardware floor, the shortest of any variant"
	       : method == Method::ftq ? "resolution, a unit of work"
				       : "resolution, two readings of the clock",
	       result.floor_ns(method));
}

void print_surroundings(const NoiseResult &result)
{
	printf("\n");
	for (const VariantResult &variant : result.variants) {
		printf("%s, core %d: SMIs ", variant.name.c_str(), variant.core);
		if (variant.counters.smi)
			printf("%lu", *variant.counters.smi);
		else
			printf("not available");
		if (variant.counters.steal_ns && result.isolation.virtual_machine)
			printf(", stolen by the hypervisor below %s", format_duration(*variant.counters.steal_ns).c_str());
		if (variant.exits)
			printf(", exits to user space %lu", *variant.exits);
		printf(", interrupts");
		for (const auto &[name, count] : variant.counters.interrupts)
			printf(" %s %lu", name.c_str(), count);
		printf("%s\n", variant.counters.interrupts.empty() ? " none" : "");
	}
	if (!result.why_no_smi.empty())
		printf("SMI count not available: %s\n", result.why_no_smi.c_str());
	for (const LoadResult &load : result.loads)
		printf("load %s: %lu operations\n", load.name.c_str(), load.operations);
	if (result.churn_cycles)
		printf("churn: core %d reserved and released %u times\n", *result.plan.churn, *result.churn_cycles);
}

void print_causes(const NoiseResult &result)
{
	if (result.plan.no_why)
		return;
	if (!result.attributed) {
		printf("causes: not known, load the module for `decouple why`%s%s\n", result.why_not.empty() ? "" : ": ",
		       result.why_not.c_str());
		return;
	}
	printf("\ncauses of disturbances of the decoupled thread\n%-40s %9s %12s %12s\n", "ns", "n", "sum", "longest");
	for (const CauseTotal &total : result.causes)
		printf("%-40s %9zu %12.0f %12.0f\n", total.cause.c_str(), total.count, total.sum_ns, total.longest_ns);
	if (result.causes.empty())
		printf("none\n");
}

void print_verdict(const NoiseResult &result)
{
	if (!result.verdict)
		return;
	const Budget &budget = *result.plan.budget;
	printf("\nbudget %s, %s: %s\n", budget.text.c_str(), budget.variant.c_str(),
	       result.verdict->pass ? "kept" : "VIOLATED");
	for (const std::string &method : result.verdict->missing)
		printf("  %s: not measured\n", method.c_str());
	for (const Violation &violation : result.verdict->violations) {
		const bool rate = violation.limit == "gaps";
		char figures[120];
		if (rate)
			snprintf(figures, sizeof figures, "%.1f/min, allowed are %g/min", violation.measured, violation.bound);
		else
			snprintf(figures, sizeof figures, "%s, allowed are %s", format_duration(violation.measured).c_str(),
				 format_duration(violation.bound).c_str());
		printf("  %s %s: %s; the worst, %s, at %.6f s since boot; %s\n", method_name(violation.method),
		       rate ? "rate" : violation.limit.c_str(), figures, format_duration(violation.worst.ns).c_str(),
		       violation.worst.at_ns / 1e9, violation.cause.c_str());
	}
}

} // namespace

void print_table(const NoiseResult &result)
{
	print_heads(result);
	for (Method method : result.plan.methods)
		print_method(result, method);
	print_surroundings(result);
	print_causes(result);
	print_verdict(result);
	if (!result.notes.empty())
		printf("\n");
	for (const std::string &note : result.notes)
		printf("note: %s\n", note.c_str());
}

} // namespace decouple::noise
