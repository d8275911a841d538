/* SPDX-License-Identifier: GPL-2.0-only */
/* What `decouple cores list` shows: every core, whose it is, and what can still run on it. */
#ifndef DECOUPLE_CLI_CORES_LIST_H
#define DECOUPLE_CLI_CORES_LIST_H

#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <vector>

#include "reserve/reservation.h"

namespace decouple::cli
{

struct CoreFacts {
	int core = 0, node = 0;
	std::string state; /* reserved, idle (kept empty beside a reserved one), service, offline */
	CoreSet siblings; /* without itself */
	bool nohz_full = false, rcu_nocbs = false;
	unsigned hush_ms = 0;
	std::vector<std::string> interrupts; /* in use, and delivered there by now */
	size_t bound_threads = 0; /* per-CPU kernel threads */
	size_t tasks = 0; /* others that may run there, but for those of the kernel that nobody may bind */
	std::vector<pid_t> decoupled;
};

/* Reserved is what the cpusets say; notes: where the journal doesn't agree. */
std::vector<CoreFacts> read_core_facts(const Tree &tree, const Reservation &reservation,
				       const std::multimap<int, pid_t> &decoupled, std::vector<std::string> &notes);

nlohmann::ordered_json core_json(const CoreFacts &facts);
void print_core_table(const std::vector<CoreFacts> &all, bool verbose);

} // namespace decouple::cli

#endif
