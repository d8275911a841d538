// SPDX-License-Identifier: GPL-2.0-only
// Pinning and priorities of the measuring sides.

#include "placement.h"

#include <dirent.h>
#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <memory>

namespace decouple::bench
{

namespace
{

struct CpuSet {
	CpuSet() : set(CPU_ALLOC(limit)) { CPU_ZERO_S(size, set); }
	~CpuSet() { CPU_FREE(set); }
	CpuSet(const CpuSet &) = delete;
	static constexpr int limit = 8192; // the kernel's largest CONFIG_NR_CPUS
	const size_t size = CPU_ALLOC_SIZE(limit);
	cpu_set_t *set;
};

bool parse_core(std::string_view text, int &core)
{
	auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), core);
	return error == std::errc() && end == text.data() + text.size() && core >= 0;
}

} // namespace

std::vector<int> allowed_cores()
{
	CpuSet cpus;
	std::vector<int> cores;
	if (sched_getaffinity(0, cpus.size, cpus.set))
		return cores;
	for (int core = 0; core < CpuSet::limit; core++)
		if (CPU_ISSET_S(core, cpus.size, cpus.set))
			cores.push_back(core);
	return cores;
}

Result<> pin(pid_t tid, int core)
{
	return pin(tid, std::vector{core});
}

Result<> pin(pid_t tid, const std::vector<int> &cores)
{
	CpuSet cpus;
	std::string names;
	for (int core : cores) {
		CPU_SET_S(core, cpus.size, cpus.set);
		names += (names.empty() ? "" : ",") + std::to_string(core);
	}
	if (sched_setaffinity(tid, cpus.size, cpus.set))
		return fail_errno("cannot pin thread " + std::to_string(tid) + " to core " + names);
	return {};
}

Result<> set_realtime(pid_t tid, int priority)
{
	sched_param param = {.sched_priority = priority};
	if (sched_setscheduler(tid, priority ? SCHED_RR : SCHED_OTHER, &param))
		return fail_errno("cannot set SCHED_RR priority " + std::to_string(priority) + " for thread " +
				  std::to_string(tid));
	return {};
}

std::vector<pid_t> threads_of(pid_t pid)
{
	std::vector<pid_t> tids;
	std::string path = "/proc/" + std::to_string(pid) + "/task";
	std::unique_ptr<DIR, int (*)(DIR *)> dir(opendir(path.c_str()), closedir);
	while (dirent *entry = dir ? readdir(dir.get()) : nullptr)
		if (pid_t tid = std::atoi(entry->d_name))
			tids.push_back(tid);
	return tids;
}

Result<CorePair> choose_core_pair(const std::string &text)
{
	std::vector<int> allowed = allowed_cores();
	if (allowed.size() < 2)
		return fail(EOPNOTSUPP,
			    "a bench needs two cores, one dedicated and one for service, but only one is allowed here; "
			    "widen the affinity with taskset or the cpuset");
	if (text.empty())
		return CorePair{allowed.back(), allowed.front()};
	CorePair cores;
	size_t comma = text.find(',');
	if (comma == text.npos || !parse_core(std::string_view(text).substr(0, comma), cores.dedicated) ||
	    !parse_core(std::string_view(text).substr(comma + 1), cores.service) || cores.dedicated == cores.service)
		return fail(EINVAL, "--cores " + text + ": give two different cores, dedicated and service, as in --cores 1,0");
	for (int core : {cores.dedicated, cores.service})
		if (!std::binary_search(allowed.begin(), allowed.end(), core))
			return fail(EINVAL, "--cores " + text + ": core " + std::to_string(core) +
						    " is not among the allowed cores; see `taskset -cp $$`");
	return cores;
}

} // namespace decouple::bench
