/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is reserved, what that has changed, and what is being changed right now: /var/lib/decouple/cores.journal, one JSON object a line.
 * Every step of an operation is in it, and on disk, before the first is made: who is killed in between leaves a journal by which the next
 * command undoes it. An operation that is complete is condensed to the state that it led to, in a new file which replaces the old one.
 * A journal of an earlier boot is void, for the kernel has forgotten all that it speaks of.
 */
#ifndef DECOUPLE_RESERVE_JOURNAL_H
#define DECOUPLE_RESERVE_JOURNAL_H

#include <map>
#include <string>
#include <vector>

#include "reserve/tasks.h"

namespace decouple
{

/* Bytes of a file before anything was reserved, and as we left them. */
struct ChangedValue {
	std::string was, left;
};

struct ReservedState {
	CoreSet cores; /* offered to decoupled threads */
	CoreSet idle; /* SMT siblings of those, kept empty */
	std::map<int, unsigned> hush; /* core -> milliseconds */
	bool controller = false; /* we have enabled the cpuset controller in the root of cgroup v2 */
	bool root_balance = false; /* cgroup v1: we have switched off load balancing in the root */
	std::map<std::string, ChangedValue> values;
	MovedTasks tasks;
	CoreSet all() const { return united(cores, idle); }
};

struct JournalContents {
	ReservedState state;
	std::string operation; /* unfinished: "reserve 2-3"; empty: none */
	std::vector<Step> steps; /* of it */
	bool of_another_boot = false; /* everything else is then empty */
	bool torn = false; /* its writer was killed before it was durable: nothing was done by its last line */
};

class Journal
{
public:
	/*
	 * Waits until no other command has it. `create`: makes the directory if it is not there, else there is nothing to lock.
	 * The lock goes with the process at the latest.
	 */
	static Result<Journal> open(Tree &tree, bool create);
	Journal(Journal &&other);
	Journal &operator=(Journal &&) = delete;
	~Journal();

	Result<JournalContents> load() const;
	/* Durable when it returns; `operation` with the first steps only. */
	Result<> append(const std::string &operation, const std::vector<Step> &steps);
	/* Replaces the journal by this state; removes it when nothing is reserved. */
	Result<> condense(const ReservedState &state);

	static constexpr const char *directory = "/var/lib/decouple";
	static constexpr const char *path = "/var/lib/decouple/cores.journal";

private:
	Journal(Tree &tree, int lock) : tree_(&tree), lock_(lock) {}
	std::string boot() const;

	Tree *tree_;
	int lock_; /* of the directory; -1: there is none */
};

} // namespace decouple

#endif
