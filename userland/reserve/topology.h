/* SPDX-License-Identifier: GPL-2.0-only */
/* Which cores there are, what they share, and which of them may be reserved. */
#ifndef DECOUPLE_RESERVE_TOPOLOGY_H
#define DECOUPLE_RESERVE_TOPOLOGY_H

#include <map>
#include <string>
#include <vector>

#include "reserve/reserved_state.h"

namespace decouple
{

struct Topology {
	CoreSet present, online;
	std::map<int, CoreSet> siblings; /* SMT siblings of an online core, itself among them */
	std::map<int, int> node; /* NUMA node of an online core */
	CoreSet isolated_at_boot, nohz_full, rcu_nocbs;
	CoreSet siblings_of(const CoreSet &cores) const; /* without the cores themselves */
};
Topology read_topology(const Tree &tree);

/* What becomes of SMT siblings of a reserved core: reserved as well, kept empty, or left to Linux. */
enum class Siblings { leave, take, idle };

/* What a `reserve` of these cores leads to; error EINVAL: the cores can't be had, EBUSY: they are reserved already. */
Result<ReservedState> with_reserved(const Topology &topology, const ReservedState &state, const CoreSet &cores,
				    Siblings siblings);
/* What a `release` leads to: idle siblings go with the last core that they belong to. */
Result<ReservedState> with_released(const Topology &topology, const ReservedState &state, const CoreSet &cores);

/* What a person should know of this reservation, a sentence each. */
std::vector<std::string> topology_notes(const Topology &topology, const ReservedState &state);

} // namespace decouple

#endif
