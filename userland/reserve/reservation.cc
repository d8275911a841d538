/* SPDX-License-Identifier: GPL-2.0-only */
/* Reserving and releasing; see reservation.h. */
#include "reserve/reservation.h"

#include <unistd.h>

#include "reserve/operation.h"
#include "reserve/signals_held.h"

namespace decouple
{
Result<Reservation> Reservation::open(Tree &tree, bool change)
{
	if (change && geteuid() != 0)
		return fail(EPERM, "cores are reserved and released by root only");
	Reservation reservation(tree, TRY(Journal::open(tree, "cores", change)));
	JournalContents contents =
		TRY(reservation.journal_.load([&](const nlohmann::json &line) { take_line(reservation.state_, line); }));
	const SignalsHeld held;
	if (!contents.steps.empty() || !contents.operation.empty())
		reservation.repair(contents);
	else if (!contents.of_another_boot && !contents.torn)
		return reservation;
	TRY(reservation.journal_.condense(lines_of(reservation.state_)));
	return reservation;
}

void Reservation::repair(const JournalContents &contents)
{
	const auto left = undo_steps(tree_, contents.steps);
	repaired_.push_back("`" + contents.operation + "` was not finished (killed?): undone");
	for (const std::string &line : left)
		repaired_.push_back("not undone: " + line);
}

Result<ReserveReport> Reservation::apply(const std::string &operation, ReservedState next, const CpusetMount &mount)
{
	const SignalsHeld held;
	Operation work(tree_, journal_, mount, topology_, state_, std::move(next));
	TRY(work.plan());
	TRY(work.run(operation));
	state_ = work.next();
	return work.take_report();
}

Result<ReserveReport> Reservation::reserve(const ReserveRequest &request)
{
	const CpusetMount mount = TRY(find_cpuset_mount(tree_));
	const CoreSet cores = request.only_missing ? without(request.cores, state_.all()) : request.cores;
	if (cores.empty() && request.only_missing)
		return ReserveReport();
	ReservedState next = TRY(with_reserved(topology_, state_, cores, request.siblings));
	if (request.hush_ms)
		for (int core : without(next.cores, state_.cores))
			next.hush[core] = *request.hush_ms;
	ReserveReport report = TRY(apply("reserve " + format_list(cores), std::move(next), mount));
	auto notes = topology_notes(topology_, state_);
	report.notes.insert(report.notes.end(), notes.begin(), notes.end());
	if (!tree_.entries("/run/irqbalance").empty())
		report.notes.push_back(
			"irqbalance runs, and does not know of cpuset partitions: ban the cores in its configuration "
			"(IRQBALANCE_BANNED_CPULIST), or it moves interrupts back");
	return report;
}

Result<ReserveReport> Reservation::release(const ReleaseRequest &request)
{
	CoreSet cores = request.cores.empty() ? state_.cores : request.cores;
	if (request.only_reserved)
		cores = common(cores, state_.cores);
	if (cores.empty() && (request.only_reserved || request.cores.empty()))
		return ReserveReport();
	ReservedState next = TRY(with_released(topology_, state_, cores));
	for (auto [core, tid] : request.decoupled)
		if (cores.count(core))
			return fail(EBUSY, "core " + std::to_string(core) + ": thread " + std::to_string(tid) +
						   " is decoupled on it; recouple it first (decouple status)");
	const CpusetMount mount = TRY(find_cpuset_mount(tree_));
	return apply("release " + format_list(cores), std::move(next), mount);
}

} // namespace decouple
