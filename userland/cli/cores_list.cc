/* SPDX-License-Identifier: GPL-2.0-only */
/* The list of cores; see cores_list.h. */
#include "cli/cores_list.h"

#include <cstdio>

namespace decouple::cli
{

std::vector<CoreFacts> read_core_facts(const Tree &tree, const Reservation &reservation,
				       const std::multimap<int, pid_t> &decoupled, std::vector<std::string> &notes)
{
	const Topology &topology = reservation.topology();
	const ReservedState &state = reservation.state();
	CoreSet reserved = state.cores, idle = state.idle;
	if (auto mount = find_cpuset_mount(tree)) {
		reserved = cpuset_cores(tree, *mount, false);
		idle = cpuset_cores(tree, *mount, true);
	}
	if (!state.cores.empty() && reserved != state.cores)
		notes.push_back("reserved were " + format_list(state.cores) + ", but the cpuset holds " +
				(reserved.empty() ? "none" : format_list(reserved)) +
				": somebody else has changed it; `decouple cores release all` puts the rest back");
	std::map<int, CoreFacts> cores;
	for (int core : topology.present) {
		CoreFacts &facts = cores[core];
		facts.core = core;
		const bool online = topology.online.count(core);
		facts.node = online ? topology.node.at(core) : -1;
		facts.state = !online ? "offline" : reserved.count(core) ? "reserved" : idle.count(core) ? "idle" : "service";
		facts.siblings = topology.siblings_of({core});
		facts.nohz_full = topology.nohz_full.count(core);
		facts.rcu_nocbs = topology.rcu_nocbs.count(core);
		if (auto hush = state.hush.find(core); hush != state.hush.end())
			facts.hush_ms = hush->second;
		auto [first, last] = decoupled.equal_range(core);
		for (; first != last; ++first)
			facts.decoupled.push_back(first->second);
	}
	for (int irq : all_interrupts(tree))
		if (interrupt_in_use(tree, irq))
			for (int core : interrupt_cores(tree, irq))
				if (auto found = cores.find(core); found != cores.end())
					found->second.interrupts.push_back(interrupt_name(tree, irq));
	for (const Task &task : all_tasks(tree)) {
		const bool bound = is_bound_by_kernel(tree, task.tid);
		if (bound && task.cores.size() > 1)
			continue; /* rescuers of workqueues: nobody may bind them, and they sleep */
		for (int core : task.cores)
			if (auto found = cores.find(core); found != cores.end())
				(bound ? found->second.bound_threads : found->second.tasks)++;
	}
	std::vector<CoreFacts> list;
	for (auto &[core, facts] : cores)
		list.push_back(std::move(facts));
	return list;
}

nlohmann::ordered_json core_json(const CoreFacts &facts)
{
	return {{"core", facts.core},
		{"state", facts.state},
		{"node", facts.node},
		{"siblings", format_list(facts.siblings)},
		{"nohz_full", facts.nohz_full},
		{"rcu_nocbs", facts.rcu_nocbs},
		{"hush_ms", facts.hush_ms},
		{"interrupts", facts.interrupts},
		{"bound_threads", facts.bound_threads},
		{"tasks", facts.tasks},
		{"decoupled", facts.decoupled}};
}

void print_core_table(const std::vector<CoreFacts> &all, bool verbose)
{
	std::printf("%4s %-8s %4s %-8s %-8s %-5s %4s %8s %6s  %s\n", "CORE", "STATE", "NODE", "SIBLINGS", "TICK", "RCU", "IRQS",
		    "KTHREADS", "TASKS", "DECOUPLED");
	for (const CoreFacts &facts : all) {
		std::string decoupled;
		for (pid_t tid : facts.decoupled)
			decoupled += (decoupled.empty() ? "" : ",") + std::to_string(tid);
		const std::string siblings = facts.siblings.empty() ? "-" : format_list(facts.siblings);
		const std::string tick = facts.nohz_full ? "nohz_full" : facts.hush_ms ? "hushed" : "periodic";
		std::printf("%4d %-8s %4d %-8s %-8s %-5s %4zu %8zu %6zu  %s\n", facts.core, facts.state.c_str(), facts.node,
			    siblings.c_str(), tick.c_str(), facts.rcu_nocbs ? "nocbs" : "local", facts.interrupts.size(),
			    facts.bound_threads, facts.tasks, decoupled.empty() ? "-" : decoupled.c_str());
		if (verbose)
			for (const std::string &name : facts.interrupts)
				std::printf("          interrupt %s\n", name.c_str());
	}
}

} // namespace decouple::cli
