/* SPDX-License-Identifier: GPL-2.0-only */
/* The machine's cores; see topology.h. */
#include "reserve/topology.h"

#include <charconv>
#include <sstream>

namespace decouple
{
namespace
{

const std::string cpus = "/sys/devices/system/cpu";

CoreSet list_at(const Tree &tree, const std::string &path)
{
	return parse_list(tree.read(path).value_or("")).value_or(CoreSet());
}

int node_of(const Tree &tree, int core)
{
	for (const std::string &name : tree.entries(cpus + "/cpu" + std::to_string(core))) {
		int node = 0;
		auto [end, error] =
			std::from_chars(name.data() + std::min<size_t>(4, name.size()), name.data() + name.size(), node);
		if (name.starts_with("node") && error == std::errc() && end == name.data() + name.size())
			return node;
	}
	return 0;
}

/* The value of an option of the kernel's command line. */
std::string boot_option(const Tree &tree, const std::string &name)
{
	std::istringstream words(tree.read("/proc/cmdline").value_or(""));
	for (std::string word; words >> word;)
		if (word.starts_with(name + "="))
			return word.substr(name.size() + 1);
	return "";
}

std::string core_word(const CoreSet &cores)
{
	return (cores.size() == 1 ? "core " : "cores ") + format_list(cores);
}

Result<> check_cores(const Topology &topology, const ReservedState &state, const CoreSet &cores)
{
	const CoreSet absent = without(cores, topology.present), offline = without(cores, topology.online);
	if (!absent.empty())
		return fail(EINVAL,
			    core_word(absent) + ": there is none (the machine has " + format_list(topology.present) + ")");
	if (!offline.empty())
		return fail(EINVAL, core_word(offline) + ": offline; start it first (echo 1 > " + cpus + "/cpu" +
					    std::to_string(*offline.begin()) + "/online)");
	if (cores.count(0))
		return fail(EINVAL,
			    "core 0: the boot processor keeps the time of all cores and takes what no other core may: it stays "
			    "with Linux");
	const CoreSet twice = common(cores, state.cores), idle = common(cores, state.idle);
	if (!twice.empty())
		return fail(EBUSY, core_word(twice) + ": reserved already (decouple cores)");
	if (!idle.empty())
		return fail(EBUSY, core_word(idle) + ": kept idle beside " +
					   core_word(common(topology.siblings_of(idle), state.cores)) +
					   ", which is to be released first");
	const CoreSet isolated = common(cores, topology.isolated_at_boot);
	if (state.all().empty() && !isolated.empty())
		return fail(EINVAL, core_word(isolated) +
					    ": isolated since boot (isolcpus=), which excludes a cpuset partition; take that "
					    "option off the kernel's command line");
	return {};
}

} // namespace

CoreSet Topology::siblings_of(const CoreSet &cores) const
{
	CoreSet all;
	for (int core : cores)
		if (auto found = siblings.find(core); found != siblings.end())
			all = united(all, found->second);
	return without(all, cores);
}

Topology read_topology(const Tree &tree)
{
	Topology topology;
	topology.present = list_at(tree, cpus + "/present");
	topology.online = list_at(tree, cpus + "/online");
	if (boot_option(tree, "isolcpus") != "")
		topology.isolated_at_boot = list_at(tree, cpus + "/isolated");
	topology.nohz_full = list_at(tree, cpus + "/nohz_full");
	topology.rcu_nocbs = united(parse_list(boot_option(tree, "rcu_nocbs")).value_or(CoreSet()), topology.nohz_full);
	for (int core : topology.online) {
		const std::string directory = cpus + "/cpu" + std::to_string(core);
		topology.siblings[core] =
			common(united(list_at(tree, directory + "/topology/thread_siblings_list"), {core}), topology.online);
		topology.node[core] = node_of(tree, core);
	}
	return topology;
}

Result<ReservedState> with_reserved(const Topology &topology, const ReservedState &state, const CoreSet &cores,
				    Siblings siblings)
{
	TRY(check_cores(topology, state, cores));
	ReservedState next = state;
	next.cores = united(state.cores, cores);
	const CoreSet beside = without(topology.siblings_of(cores), state.all());
	if (siblings != Siblings::leave && beside.count(0))
		return fail(EINVAL, core_word(cores) +
					    ": core 0, which stays with Linux, is an SMT sibling; choose another core, or "
					    "--siblings leave");
	if (siblings == Siblings::take)
		next.cores = united(next.cores, beside);
	else if (siblings == Siblings::idle)
		next.idle = united(next.idle, beside);
	if (without(topology.online, next.all()).empty())
		return fail(EINVAL, core_word(cores) + ": no core would be left for Linux; at least one has to serve");
	return next;
}

Result<ReservedState> with_released(const Topology &topology, const ReservedState &state, const CoreSet &cores)
{
	const CoreSet strange = without(cores, state.cores);
	if (!strange.empty())
		return fail(EINVAL, core_word(strange) + ": not reserved" +
					    (state.cores.empty() ? "" : " (reserved: " + format_list(state.cores) + ")"));
	ReservedState next = state;
	next.cores = without(state.cores, cores);
	next.idle = next.cores.empty() ? CoreSet() : common(state.idle, topology.siblings_of(next.cores));
	for (int core : cores)
		next.hush.erase(core);
	return next;
}

std::vector<std::string> topology_notes(const Topology &topology, const ReservedState &state)
{
	std::vector<std::string> notes;
	const CoreSet service = without(topology.online, state.all());
	const CoreSet beside = common(topology.siblings_of(state.cores), service);
	if (!beside.empty())
		notes.push_back("SMT: " + core_word(beside) + (beside.size() == 1 ? " stays" : " stay") +
				" with Linux and shares execution units with a reserved core; --siblings take reserves it too, "
				"--siblings idle keeps it empty");
	std::map<int, CoreSet> served;
	for (int core : service)
		served[topology.node.at(core)].insert(core);
	for (int core : state.cores) {
		auto node = topology.node.find(core);
		if (node == topology.node.end() || served.count(node->second))
			continue;
		notes.push_back("NUMA: no core of node " + std::to_string(node->second) +
				" is left with Linux; system calls of threads there are executed on another node");
		served[node->second] = {};
	}
	const CoreSet ticking = without(state.cores, topology.nohz_full), callbacks = without(state.cores, topology.rcu_nocbs);
	if (!ticking.empty())
		notes.push_back("the timer tick goes on on " + core_word(ticking) +
				" (only nohz_full= at boot stops it, or --hush, with the kernel module, thins it)");
	if (!callbacks.empty())
		notes.push_back("RCU callbacks of " + core_word(callbacks) + " run there (rcu_nocbs= at boot moves them)");
	return notes;
}

} // namespace decouple
