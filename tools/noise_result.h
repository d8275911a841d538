/* SPDX-License-Identifier: GPL-2.0-only */
/* What one run of `decouple noise` found; as a table, as JSON, as a page. */
#ifndef DECOUPLE_TOOLS_NOISE_RESULT_H
#define DECOUPLE_TOOLS_NOISE_RESULT_H

#include "causes.h"
#include "host.h"
#include "isolation.h"
#include "noise_plan.h"

namespace decouple::noise
{

/* One of native, reserved, decoupled. */
struct VariantResult {
	std::string name;
	int core;
	CoreCounters counters; /* of its core, over its own rounds; the waking for each round is in them */
	std::optional<uint64_t> exits,
		page_exits; /* decoupled: returns of KVM_RUN to user space, misses of the guest's page table */
};

struct LoadResult {
	std::string name;
	uint64_t operations;
};

struct NoiseResult {
	bench::Host host;
	Isolation isolation;
	Plan plan;
	uint64_t fwq_steps = 0; /* work in a quantum, the same for all */
	std::string fwq_calibrated_on; /* variant */
	std::vector<Series> series; /* by method, then variant */
	std::vector<VariantResult> variants;
	std::vector<LoadResult> loads;
	std::optional<unsigned> churn_cycles;
	bool attributed = false; /* `events` are what decouple why saw */
	std::string why_not; /* if not attributed */
	std::vector<Event> events;
	std::vector<CauseTotal> causes;
	std::string why_no_smi;
	std::optional<Verdict> verdict;
	std::vector<std::string> notes;
	int exit_code = 0;

	const Series *find(Method method, const std::string &variant) const;
	/* Least figure of any variant in ns: fwq: of a quantum; gaps: between two readings of the clock. */
	double floor_ns(Method method) const;
};

void print_table(const NoiseResult &result);
void print_json(const NoiseResult &result);
/* A page that needs nothing but itself. Error: it can't be written. */
Result<> write_html(const NoiseResult &result, const std::string &path);

} // namespace decouple::noise

#endif
