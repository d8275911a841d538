// SPDX-License-Identifier: GPL-2.0-only
// The native worker and its decoupled twin.

#include "pair.h"

namespace decouple::bench
{

Result<std::shared_ptr<DecoupledWorker>> DecoupledWorker::start(const Options &options, size_t capacity, unsigned home_spin_us,
								Reflector reflector)
{
	auto started = std::make_shared<DecoupledWorker>();
	started->worker = TRY(Worker::start("decoupled worker", capacity, options.cores.dedicated, options.rt));
	options.progress("attaching");
	started->session =
		std::make_unique<Decoupled>(TRY(Decoupled::attach(started->worker, options, home_spin_us, reflector)));
	return started;
}

WorkerPair start_pair(const Options &options, size_t capacity, unsigned home_spin_us, Report &report)
{
	WorkerPair pair;
	if (auto native = Worker::start("native worker", capacity, options.cores.dedicated, options.rt); native)
		pair.native = std::make_shared<Worker>(std::move(*native));
	else
		report.add_failure("native", native.error());
	if (auto decoupled = DecoupledWorker::start(options, capacity, home_spin_us); decoupled)
		pair.decoupled = std::move(*decoupled);
	else
		report.add_failure("decoupled", decoupled.error());
	return pair;
}

void add_pair(std::vector<Variant> &variants, const WorkerPair &pair, const std::string &name, Job job, uint64_t arg,
	      uint64_t calls)
{
	if (pair.native)
		variants.push_back({.name = name + "_native",
				    .take = [worker = pair.native, job, arg](unsigned share, std::vector<double> &samples_ns) {
					    return take_samples(*worker, job, share, arg, samples_ns);
				    }});
	if (pair.decoupled)
		variants.push_back(
			{.name = name + "_decoupled",
			 .take =
				 [twin = pair.decoupled, job, arg, calls](unsigned share, std::vector<double> &samples_ns) {
					 return twin->session->take(job, share, arg, calls, samples_ns);
				 },
			 .subject = true});
}

void add_pair_ratio(Report &report, const std::string &name)
{
	report.add_ratio(name + "_decoupled/" + name + "_native", name + "_decoupled", name + "_native");
}

} // namespace decouple::bench
