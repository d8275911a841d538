// SPDX-License-Identifier: GPL-2.0-only
// The module beside the signal reflector: waking a home thread that sleeps, a signal with an empty handler, the stop of an attach.

#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "pair.h"
#include "peer.h"
#include "suite.h"
#include "tsc.h"

namespace decouple::bench
{

namespace
{

constexpr unsigned rounds = 10;
constexpr unsigned spin_us = 20, idle_us = 1000; // the home thread is asleep long before the next call
constexpr unsigned warm_up = 3;
constexpr unsigned attach_share = 10; // an attach takes as long as many of the other samples

struct Kind {
	const char *name;
	Reflector reflector;
};
constexpr Kind kinds[] = {{"signal", Reflector::signal}, {"module", Reflector::module}};

void compute(uint64_t for_ticks)
{
	for (uint64_t start = ticks(); ticks() - start < for_ticks;)
		;
}

int64_t measure_wake(Channel &channel)
{
	const auto idle = uint64_t(idle_us * 1000 / ns_per_tick());
	for (uint64_t i = 0; i < channel.count + warm_up; i++) {
		compute(idle);
		uint64_t start = ticks();
		syscall(SYS_getpid);
		if (i >= warm_up)
			channel.samples[i - warm_up] = ticks() - start;
	}
	return 0;
}

void empty_handler(int) {}

int64_t measure_handler(Channel &channel)
{
	struct sigaction action = {};
	action.sa_handler = empty_handler;
	if (sigaction(SIGUSR1, &action, nullptr))
		return -errno;
	long pid = getpid(), tid = syscall(SYS_gettid);
	for (uint64_t i = 0; i < channel.count + warm_up; i++) {
		uint64_t start = ticks();
		syscall(SYS_tgkill, pid, tid, SIGUSR1);
		if (i >= warm_up)
			channel.samples[i - warm_up] = ticks() - start;
	}
	return 0;
}

int64_t compute_until_stopped(Channel &channel)
{
	while (!channel.stop.load(std::memory_order_relaxed))
		compute(1000);
	return 0;
}

Result<AttachReport> attach_and_recouple(pid_t pid, const AttachOptions &options)
{
	AttachReport report = TRY(decouple::attach(pid, options));
	TRY(await_decoupled(pid));
	TRY(recouple(pid, {}));
	return report;
}

// For how long one attach stops a computing process. Its core stays its own until then, as on a node.
Result<> take_stops(Worker &worker, Reflector reflector, const Options &options, unsigned share,
		    std::vector<double> &samples_ns)
{
	AttachOptions attach_options;
	attach_options.cores = {options.cores.dedicated};
	attach_options.service_cores = {options.cores.service};
	attach_options.reflector = reflector;
	worker.begin(compute_until_stopped, 0);
	for (unsigned i = 0; i < share; i++) {
		auto report = attach_and_recouple(worker.pid(), attach_options);
		if (!report) {
			worker.stop();
			return std::unexpected(report.error());
		}
		samples_ns.push_back(double(report->stopped_ns));
	}
	worker.stop();
	TRY(worker.finish());
	return {};
}

void add_kind(const Kind &kind, const Options &options, std::vector<Variant> &variants, Report &report)
{
	std::string suffix = std::string("_") + kind.name;
	auto twin = DecoupledWorker::start(options, round_capacity(options, std::min(rounds, options.samples)), spin_us,
					   kind.reflector);
	if (!twin)
		return report.add_failure("all rows of the " + std::string(kind.name) + " reflector", twin.error());
	auto add = [&](const char *name, Job job) {
		variants.push_back({.name = name + suffix,
				    .take =
					    [twin = *twin, job](unsigned share, std::vector<double> &samples_ns) {
						    return twin->session->take(job, share, 0, share, samples_ns);
					    },
				    .subject = true});
	};
	add("wake", measure_wake);
	add("handler", measure_handler);
	auto target = Worker::start("target of the attaches", 0, options.cores.service, false);
	if (!target)
		return report.add_failure("stopped" + suffix, target.error());
	auto worker = std::make_shared<Worker>(std::move(*target));
	variants.push_back({.name = "stopped" + suffix,
			    .take =
				    [worker, kind, options](unsigned share, std::vector<double> &samples_ns) {
					    return take_stops(*worker, kind.reflector, options,
							      (share + attach_share - 1) / attach_share, samples_ns);
				    },
			    .subject = true});
}

} // namespace

void bench_reflector(const Options &options, Report &report)
{
	ns_per_tick();
	report.notes.push_back(
		"wake: a call of a thread whose home thread sleeps; handler: tgkill to itself with an empty handler, "
		"until it goes on; stopped: for how long an attach stops a computing thread");
	std::vector<Variant> variants;
	for (const Kind &kind : kinds)
		add_kind(kind, options, variants, report);
	interleave(variants, rounds, options, report);
	for (const char *name : {"wake", "handler", "stopped"})
		report.add_ratio(name + std::string("_module/") + name + "_signal", name + std::string("_module"),
				 name + std::string("_signal"));
}

} // namespace decouple::bench
