// SPDX-License-Identifier: GPL-2.0-only
// A round trip of a computing thread: its state goes back into the Linux task, is captured again, and runs in the guest.

#include <algorithm>

#include "pair.h"
#include "suite.h"

namespace decouple::bench
{

namespace
{

constexpr unsigned rounds = 10;
constexpr unsigned spin_us = 200; // what attach() uses when nobody asks

// Computes without a system call until it is told to stop: the state to be moved is always that of running user code.
int64_t compute_until_stopped(Channel &channel)
{
	uint64_t hash = 0;
	while (!channel.stop.load(std::memory_order_relaxed))
		for (int i = 0; i < 64; i++)
			hash = (hash ^ uint64_t(i)) * 1099511628211ull;
	return int64_t(hash >> 1);
}

Result<> measure(DecoupledWorker &twin, unsigned share, std::vector<double> &samples_ns)
{
	pid_t pid = twin.worker.pid();
	twin.worker.begin(compute_until_stopped, 0);
	auto measured = measure_round_trips(pid, pid, share);
	twin.worker.stop();
	TRY(twin.worker.finish());
	auto trips = TRY(std::move(measured));
	if (trips.size() != share)
		return fail(EIO, "asked for " + std::to_string(share) + " round trips, got " + std::to_string(trips.size()));
	TRY(await_decoupled(pid));
	samples_ns.insert(samples_ns.end(), trips.begin(), trips.end());
	return {};
}

} // namespace

void bench_recouple(const Options &options, Report &report)
{
	report.notes.push_back("the resident times whole round trips; the halves, recouple and decouple, are not told apart");
	auto twin = DecoupledWorker::start(options, 0, spin_us);
	if (!twin)
		return report.add_failure("recouple_round_trip", twin.error());
	constexpr unsigned most = sizeof(Control::samples) / sizeof(uint32_t);
	std::vector<Variant> variants;
	variants.push_back(
		{.name = "recouple_round_trip",
		 .take = [twin = *twin](unsigned share,
					std::vector<double> &samples_ns) { return measure(*twin, share, samples_ns); },
		 .subject = true});
	interleave(variants, std::max(rounds, options.samples / most + 1), options, report);
}

} // namespace decouple::bench
