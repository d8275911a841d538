/* SPDX-License-Identifier: GPL-2.0-only */
/* One place and way to run the tests: a worker on a plain core, on a reserved one, or decoupled. */
#ifndef DECOUPLE_TOOLS_NOISE_VARIANT_H
#define DECOUPLE_TOOLS_NOISE_VARIANT_H

#include <memory>

#include "decoupled.h"
#include "noise_job.h"
#include "noise_result.h"

namespace decouple::noise
{

class NoiseVariant
{
public:
	/* `capacity`: samples of the largest job. Errors name the variant. */
	static Result<NoiseVariant> start(const std::string &name, const Plan &plan, size_t capacity);

	const std::string &name() const { return result_.name; }
	pid_t pid() const { return worker_->pid(); }
	int core() const { return result_.core; }

	/*
	 * Runs a job that takes some `expected_ns` undisturbed, and counts what happens on the core meanwhile. The timebase that is returned was
	 * read before. Error: also when a decoupled worker was not decoupled before and after.
	 */
	Result<Timebase> run(bench::Job job, uint64_t count, uint64_t arg, double expected_ns);
	std::span<const uint64_t> samples() const { return worker_->samples(); }

	VariantResult result() const { return result_; }
	const std::string &why_no_smi() const { return why_no_smi_; }

private:
	NoiseVariant() = default;
	VariantResult result_ = {};
	std::string why_no_smi_;
	std::unique_ptr<bench::Worker> worker_; /* at an address that stays */
	std::unique_ptr<bench::Decoupled> session_; /* behind the worker: given back before it ends */
};

} // namespace decouple::noise

#endif
