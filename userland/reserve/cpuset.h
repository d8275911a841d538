/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The cpusets that hold reserved cores. With cgroup v2: the isolated partitions `decouple` (cores that are offered to decoupled threads) and
 * `decouple-idle` (their SMT siblings, kept empty), made below the root. The kernel then keeps all other tasks away. With cgroup v1: cpusets
 * of the same names without load balancing, and `decouple-service`, in which the other cores are balanced instead of in the root.
 */
#ifndef DECOUPLE_RESERVE_CPUSET_H
#define DECOUPLE_RESERVE_CPUSET_H

#include <string>
#include <vector>

#include "reserve/reserved_state.h"

namespace decouple
{

struct CpusetMount {
	std::string root; /* the root cgroup's directory */
	bool unified = false; /* cgroup v2 */
	std::string directory(bool idle) const { return root + (idle ? "/decouple-idle" : "/decouple"); }
};

/* Error ENODEV: this host has none that could be used. */
Result<CpusetMount> find_cpuset_mount(const Tree &tree);

/* What a cpuset of ours holds by now, whoever made it; empty if it is not there. */
CoreSet cpuset_cores(const Tree &tree, const CpusetMount &mount, bool idle);

/*
 * Steps from the cores that `from` says are reserved to those of `to`, of which controller and root_balance are set.
 * Errors: EEXIST a cpuset of that name is there and not ours, EBUSY there are still tasks in one that would go.
 */
Result<std::vector<Step>> plan_cpusets(const Tree &tree, const CpusetMount &mount, const CoreSet &online,
				       const ReservedState &from, ReservedState &to);

} // namespace decouple

#endif
