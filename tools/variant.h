/* SPDX-License-Identifier: GPL-2.0-only */
/* Things to be compared, and the rounds in which each takes its share of samples. */
#ifndef DECOUPLE_TOOLS_VARIANT_H
#define DECOUPLE_TOOLS_VARIANT_H

#include <functional>
#include <string>
#include <vector>

#include "report.h"
#include "worker.h"

namespace decouple::bench
{

/* A device's register of 4 bytes, of the bench that stores to it. */
struct Doorbell {
	std::string resource; /* file that can be mapped */
	uint64_t offset;
	uint32_t value;
};

struct Options {
	unsigned samples; /* per row */
	CorePair cores;
	bool rt;
	std::function<void(const std::string &)> progress;
	Doorbell doorbell = {};
};

/* One row of the report in the making. */
struct Variant {
	std::string name;
	/* Takes `share` samples and appends them, in ns. An error ends the variant: it becomes a note and has no row. */
	std::function<Result<>(unsigned share, std::vector<double> &samples_ns)> take;
	bool subject = false; /* of the bench, not something to compare with: without it the bench failed */
	std::vector<double> samples_ns = {};
};

/*
 * Rounds of all variants: drift of the machine (frequency, other load) meets all alike. Rounds run forwards and backwards by turns,
 * and begin with another variant each time, so that none always follows the same neighbour and finds the core as that left it. Rows
 * appear in the order of `variants`.
 */
void interleave(std::vector<Variant> &variants, unsigned rounds, const Options &options, Report &report);

/* Samples of the worker's last job, in ns. */
void append_samples(const Worker &worker, std::vector<double> &samples_ns);
/* Runs `job` in `worker` and appends its samples. */
Result<> take_samples(Worker &worker, Job job, unsigned share, uint64_t arg, std::vector<double> &samples_ns);

} // namespace decouple::bench

#endif
