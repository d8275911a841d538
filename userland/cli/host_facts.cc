/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading the host's facts from /proc, /sys and the auxiliary vector. */
#include "cli/host_facts.h"

#include <sched.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "core_list.h"

namespace decouple::cli
{

constexpr int cpu_limit = 8192; /* CONFIG_NR_CPUS of the largest x86 kernels */

/* CPUs that this process may run on. */
static std::vector<int> allowed_cpus()
{
	std::vector<int> cpus;
	cpu_set_t *set = CPU_ALLOC(cpu_limit);
	if (!set)
		return cpus;
	const size_t size = CPU_ALLOC_SIZE(cpu_limit);
	CPU_ZERO_S(size, set);
	if (!sched_getaffinity(0, size, set))
		for (int cpu = 0; cpu < cpu_limit; cpu++)
			if (CPU_ISSET_S(cpu, size, set))
				cpus.push_back(cpu);
	CPU_FREE(set);
	return cpus;
}
namespace
{

/* First line of a file, without its end; empty if there is none. */
std::string line_of(const std::string &path)
{
	std::ifstream file(path);
	std::string line;
	std::getline(file, line);
	while (!line.empty() && line.back() == ' ')
		line.pop_back();
	return line == "(null)" ? "" : line; /* nohz_full prints this for none */
}

std::string cpu_model()
{
	std::ifstream file("/proc/cpuinfo");
	std::string line;
	while (std::getline(file, line))
		if (line.starts_with("model name") && line.find(": ") != std::string::npos)
			return line.substr(line.find(": ") + 2);
	return "unknown";
}

std::vector<std::string> sibling_sets(const std::string &online)
{
	std::vector<std::string> sets;
	for (int core : parse_core_list(online).value_or(std::vector<int>())) {
		const std::string siblings =
			line_of("/sys/devices/system/cpu/cpu" + std::to_string(core) + "/topology/thread_siblings_list");
		auto list = parse_core_list(siblings);
		if (list && list->size() > 1 && std::find(sets.begin(), sets.end(), siblings) == sets.end())
			sets.push_back(siblings);
	}
	return sets;
}

} // namespace

HostFacts read_host_facts()
{
	HostFacts facts;
	utsname name;
	uname(&name);
	facts.kernel = name.release;
	facts.cpu_model = cpu_model();
	facts.clock_source = line_of("/sys/devices/system/clocksource/clocksource0/current_clocksource");
	facts.kvm = read_kvm_facts();
	facts.module_loaded = !access("/dev/decouple", F_OK);
	facts.reserved_signal = SIGRTMAX;
	facts.vdso = getauxval(AT_SYSINFO_EHDR) != 0;
	facts.ptrace_scope = line_of("/proc/sys/kernel/yama/ptrace_scope");
	facts.allowed_cores = allowed_cpus();
	facts.online = line_of("/sys/devices/system/cpu/online");
	facts.isolated = line_of("/sys/devices/system/cpu/isolated");
	facts.nohz_full = line_of("/sys/devices/system/cpu/nohz_full");
	facts.sibling_sets = sibling_sets(facts.online);
	return facts;
}

std::vector<std::string> performance_notes(const HostFacts &facts)
{
	std::vector<std::string> notes;
	if (facts.kvm.kind == "pvm")
		notes.push_back("PVM emulates the SYSCALL instruction: about 1 us of each reflected system call; page faults "
				"cost more than "
				"with hardware virtualisation");
	if (facts.allowed_cores.size() == 1)
		notes.push_back("one core only: a decoupled thread and its home thread take turns on it");
	if (!facts.sibling_sets.empty())
		notes.push_back("SMT siblings: a home thread that polls slows the dedicated core beside it; choose cores of "
				"different sets");
	if (facts.isolated.empty())
		notes.push_back(
			"no isolated cores (isolcpus= or a cpuset partition): other tasks may run on the dedicated core");
	if (facts.nohz_full.empty())
		notes.push_back("no nohz_full= cores: the timer tick interrupts decoupled threads");
	if (facts.clock_source != "tsc")
		notes.push_back("clock source is " + facts.clock_source +
				", not tsc: reading the time is a reflected system call");
	return notes;
}

} // namespace decouple::cli
