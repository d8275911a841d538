/* SPDX-License-Identifier: GPL-2.0-only */
/* Two like workers on the dedicated core, one native, one decoupled, which run the same jobs in turns. */
#ifndef DECOUPLE_TOOLS_PAIR_H
#define DECOUPLE_TOOLS_PAIR_H

#include <memory>

#include "decoupled.h"

namespace decouple::bench
{

struct DecoupledWorker {
	/* Starts a worker and attaches to it. */
	static Result<std::shared_ptr<DecoupledWorker>> start(const Options &options, size_t capacity, unsigned home_spin_us,
							      Reflector reflector = Reflector::automatic);

	Worker worker;
	std::unique_ptr<Decoupled> session; /* behind worker: given back before the worker ends */
};

struct WorkerPair {
	std::shared_ptr<Worker> native;
	std::shared_ptr<DecoupledWorker> decoupled;
};

/* Both, or what there is: a side that is missing has become a note and the report's exit code. */
WorkerPair start_pair(const Options &options, size_t capacity, unsigned home_spin_us, Report &report);

/* Adds the variants NAME_native and NAME_decoupled. `calls`: system calls that the job makes at least. */
void add_pair(std::vector<Variant> &variants, const WorkerPair &pair, const std::string &name, Job job, uint64_t arg,
	      uint64_t calls);

/* Ratio NAME = NAME_decoupled / NAME_native. */
void add_pair_ratio(Report &report, const std::string &name);

} // namespace decouple::bench

#endif
