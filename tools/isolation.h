/* SPDX-License-Identifier: GPL-2.0-only */
/* How quiet a core could be here: what was done about it, and what nobody can do anything about. */
#ifndef DECOUPLE_TOOLS_ISOLATION_H
#define DECOUPLE_TOOLS_ISOLATION_H

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace decouple::noise
{

/* Texts are as Linux prints them; empty: not there, or none. */
struct Isolation {
	std::string command_line; /* of the kernel */
	std::string reserved; /* list of cores */
	std::string nohz_full, rcu_nocbs, isolated; /* boot parameters in force, lists of cores */
	std::string hush; /* of the module: cores whose tick is thinned */
	std::string governor; /* of the measured core */
	bool invariant_tsc = false;
	bool virtual_machine = false;
};

Isolation read_isolation(int core);

/* Counters of a core that only grow; differences tell what happened meanwhile. */
struct CoreCounters {
	std::optional<uint64_t> smi; /* System Management Interrupts, MSR 0x34 */
	std::optional<double> steal_ns; /* time that the hypervisor below took, to 10 ms */
	std::map<std::string, uint64_t> interrupts; /* by the name in /proc/interrupts, "LOC" */
};

/* `why_no_smi`: why there is no SMI count; empty when there is one. */
CoreCounters read_counters(int core, std::string &why_no_smi);
/* What was added since `before`; interrupts that did not happen are left out. */
CoreCounters counted_since(const CoreCounters &before, const CoreCounters &now);
void add_counters(CoreCounters &sum, const CoreCounters &more);

} // namespace decouple::noise

#endif
