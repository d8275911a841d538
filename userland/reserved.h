/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reserved cores: those of a cpuset named `decouple`, of which Linux takes its own work away (decouple cores reserve). Below the root of the
 * cgroup hierarchy it is everybody's, below a process's own cgroup that process's.
 *
 * A thread outside of it can't be bound to its cores. A vCPU thread gets there by the module, or is put into the cpuset by who may write
 * there; the process stays where it is. With cgroup v2 that is possible only for a process in the cgroup directly above.
 */
#ifndef DECOUPLE_USERLAND_RESERVED_H
#define DECOUPLE_USERLAND_RESERVED_H

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace decouple
{

struct ReservedSet {
	std::vector<int> cores;
	std::string directory; /* of the cpuset */
	std::string above; /* the cgroup in which it is, as in /proc/PID/cgroup */
	bool v1;
};

/* Those that concern a process. `root`: in front of all paths, for tests. */
std::vector<ReservedSet> reserved_sets(pid_t pid, const std::string &root = "");

/* Could the caller put a thread of that process there? The error says why not. Changes nothing. */
Result<> may_enter(const ReservedSet &set, pid_t pid, const std::string &root = "");

/* Puts a vCPU thread into the cpuset of a reserved core. Its end takes it out again. */
Result<> enter_reserved(pid_t pid, pid_t vcpu_tid, int core, const std::string &root = "");

} // namespace decouple

#endif
