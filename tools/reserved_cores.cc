// SPDX-License-Identifier: GPL-2.0-only
// The cpuset called `decouple`, cgroup v2 or v1.

#include "reserved_cores.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

namespace decouple::noise
{

namespace
{

// The directory, without regard to whether it exists: of the hierarchy that has cpusets.
std::string cpuset_directory()
{
	std::ifstream mounts("/proc/self/mounts");
	std::string unified;
	for (std::string line; std::getline(mounts, line);) {
		std::istringstream fields(line);
		std::string device, point, type, options;
		fields >> device >> point >> type >> options;
		if (type == "cgroup" && ("," + options + ",").find(",cpuset,") != std::string::npos)
			return point + "/decouple";
		if (type == "cgroup2")
			unified = point;
	}
	return unified.empty() ? "" : unified + "/decouple";
}

std::string first_line(const std::string &path)
{
	std::string line;
	std::ifstream file(path);
	std::getline(file, line);
	return line;
}

} // namespace

std::vector<int> cores_of(const std::string &list)
{
	std::vector<int> cores;
	const char *at = list.data(), *end = at + list.size();
	while (at < end) {
		int first = 0, last = 0;
		auto [behind, error] = std::from_chars(at, end, first);
		if (error != std::errc())
			return {};
		last = first;
		if (behind < end && *behind == '-') {
			auto [behind_last, last_error] = std::from_chars(behind + 1, end, last);
			if (last_error != std::errc() || last < first)
				return {};
			behind = behind_last;
		}
		for (int core = first; core <= last; core++)
			cores.push_back(core);
		if (behind < end && *behind != ',')
			return {};
		at = behind + 1;
	}
	std::sort(cores.begin(), cores.end());
	return cores;
}

std::vector<int> reserved_cores()
{
	const std::string directory = cpuset_directory();
	return directory.empty() ? std::vector<int>() : cores_of(first_line(directory + "/cpuset.cpus"));
}

Result<> enter_reserved(pid_t pid)
{
	const std::string path =
		cpuset_directory() +
		(access((cpuset_directory() + "/cgroup.controllers").c_str(), F_OK) ? "/tasks" : "/cgroup.procs");
	std::ofstream file(path);
	file << pid << std::flush;
	if (!file)
		return fail(EPERM, "cannot move process " + std::to_string(pid) + " to the reserved cores by writing to " +
					   path + "; be root, or have the cgroup delegated");
	return {};
}

} // namespace decouple::noise
