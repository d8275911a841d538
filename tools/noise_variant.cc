// SPDX-License-Identifier: GPL-2.0-only
// Starting workers where they belong, and running jobs in them.

#include "noise_variant.h"

#include <time.h>

#include <algorithm>

#include "reserved_cores.h"

namespace decouple::noise
{

namespace
{

// Nothing calls; a home thread that spins would only compete, on a sibling hyperthread most of all.
constexpr unsigned spin_us = 20;

// Of several attempts the one in which the two clocks were read closest together.
Timebase read_timebase()
{
	Timebase best = {.ticks = 0, .monotonic_ns = 0, .ns_per_tick = bench::ns_per_tick()};
	uint64_t least = ~0ull;
	for (int i = 0; i < 20; i++) {
		timespec now;
		const uint64_t before = ticks();
		clock_gettime(CLOCK_MONOTONIC, &now);
		const uint64_t taken = ticks() - before;
		if (taken >= least)
			continue;
		least = taken;
		best.ticks = before + taken / 2;
		best.monotonic_ns = double(now.tv_sec) * 1e9 + double(now.tv_nsec);
	}
	return best;
}

} // namespace

Result<NoiseVariant> NoiseVariant::start(const std::string &name, const Plan &plan, size_t capacity)
{
	NoiseVariant variant;
	const bool decoupled = name == "decoupled", reserved = name == "reserved";
	variant.result_.name = name;
	variant.result_.core = decoupled ? plan.decoupled_core() : reserved ? *plan.reserved : plan.core;
	// Priorities as a program has them that nobody thought about.
	const bench::Options options = {
		.samples = 0, .cores = {variant.core(), plan.service.front()}, .rt = false, .progress = plan.progress};
	const int first_core = decoupled || reserved ? plan.service.front() : variant.core();
	variant.worker_ =
		std::make_unique<bench::Worker>(TRY(bench::Worker::start(name + " worker", capacity, first_core, false)));
	if (reserved) {
		TRY(enter_reserved(variant.pid(), variant.core()));
		TRY(bench::pin(variant.pid(), variant.core()));
	}
	if (decoupled)
		variant.session_ = std::make_unique<bench::Decoupled>(
			TRY(bench::Decoupled::attach(*variant.worker_, options, spin_us, plan.reflector)));
	return variant;
}

Result<Timebase> NoiseVariant::run(bench::Job job, uint64_t count, uint64_t arg, double expected_ns)
{
	// A machine that is busy, or emulated, may be far slower.
	const unsigned timeout_ms = unsigned(std::min(60e3 + 20 * expected_ns / 1e6, 4e9));
	// Linux 6.1 forgets a thread's affinity when the cores of its cpuset change (--churn).
	if (name() == "reserved")
		TRY(bench::pin(pid(), core()));
	const Timebase timebase = read_timebase();
	const CoreCounters before = read_counters(core(), why_no_smi_);
	if (session_) {
		const SessionInfo info = TRY(bench::await_decoupled(pid()));
		TRY(session_->run(job, count, arg, 0, timeout_ms));
		const SessionInfo then = TRY(bench::await_decoupled(pid()));
		result_.exits = result_.exits.value_or(0) + then.exits - info.exits;
		result_.page_exits = result_.page_exits.value_or(0) + then.page_exits - info.page_exits;
	} else {
		TRY(worker_->run(job, count, arg, timeout_ms));
	}
	add_counters(result_.counters, counted_since(before, read_counters(core(), why_no_smi_)));
	return timebase;
}

} // namespace decouple::noise
