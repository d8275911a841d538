/* SPDX-License-Identifier: GPL-2.0-only */
/* Which cores are reserved, and what that has changed: the state in the journal `cores`. */
#ifndef DECOUPLE_RESERVE_RESERVED_STATE_H
#define DECOUPLE_RESERVE_RESERVED_STATE_H

#include <map>
#include <string>

#include "reserve/journal.h"
#include "reserve/tasks.h"

namespace decouple
{

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

/* Lines for the journal; none when nothing is reserved. */
Journal::Lines lines_of(const ReservedState &state);
void take_line(ReservedState &state, const nlohmann::json &object);

} // namespace decouple

#endif
