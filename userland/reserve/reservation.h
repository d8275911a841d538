/* SPDX-License-Identifier: GPL-2.0-only */
/* Reserving and releasing cores: plans the steps, has them journalled, makes them, and undoes them when one that is needed fails. */
#ifndef DECOUPLE_RESERVE_RESERVATION_H
#define DECOUPLE_RESERVE_RESERVATION_H

#include <optional>
#include <string>
#include <vector>

#include "decouple/uapi.h"
#include "reserve/cpuset.h"
#include "reserve/knob.h"
#include "reserve/topology.h"

namespace decouple
{

struct ReserveRequest {
	CoreSet cores;
	Siblings siblings = Siblings::leave;
	std::optional<unsigned> hush_ms; /* the module's: at most one timer tick in so many milliseconds */
	bool only_missing = false; /* cores that are reserved already are no error */
};

struct ReleaseRequest {
	CoreSet cores; /* none: all */
	bool only_reserved = false; /* cores that are not reserved are no error */
	std::map<int, pid_t> decoupled; /* core -> a decoupled thread there */
};

struct DoneStep {
	Step step;
	std::string error; /* empty: done */
	long elapsed_us = 0;
};

/* What an operation did. */
struct ReserveReport {
	CoreSet cores; /* that it reserved or released */
	std::vector<DoneStep> steps;
	/* What could not be moved or restored, and why: a line each. */
	std::vector<std::string> kept;
	std::vector<std::string> notes;
	size_t moved_tasks = 0, moved_interrupts = 0, bound_threads = 0; /* bound: per-CPU kernel threads of these cores */
};

class Reservation
{
public:
	/*
	 * Waits for other commands, then undoes what one of them left unfinished: see repaired(). `change`: reserve() and release() are
	 * going to be called, for which one has to be root.
	 */
	static Result<Reservation> open(Tree &tree, bool change);

	Result<ReserveReport> reserve(const ReserveRequest &request);
	Result<ReserveReport> release(const ReleaseRequest &request);

	const ReservedState &state() const { return state_; }
	const Topology &topology() const { return topology_; }
	/* What was undone, a line each; empty: nothing was unfinished. */
	const std::vector<std::string> &repaired() const { return repaired_; }

private:
	Reservation(Tree &tree, Journal journal) : tree_(tree), journal_(std::move(journal)), topology_(read_topology(tree)) {}
	Result<ReserveReport> apply(const std::string &operation, ReservedState next, const CpusetMount &mount);
	void repair(const JournalContents &contents);

	Tree &tree_;
	Journal journal_;
	const Topology topology_;
	ReservedState state_;
	std::vector<std::string> repaired_;
};

/* Milliseconds that --hush and the configuration file may ask for. */
constexpr unsigned hush_least = DECOUPLE_HUSH_MS_MIN, hush_most = DECOUPLE_HUSH_MS_MAX, hush_default = 1000;

} // namespace decouple

#endif
