// SPDX-License-Identifier: GPL-2.0-only
// Native measurements on reserved cores.

#include "reserved_cores.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "reserved.h"

namespace decouple::noise
{

std::vector<int> reserved_cores()
{
	std::vector<int> cores;
	for (const ReservedSet &set : reserved_sets(getpid()))
		cores.insert(cores.end(), set.cores.begin(), set.cores.end());
	std::sort(cores.begin(), cores.end());
	return cores;
}

Result<> enter_reserved(pid_t pid, int core)
{
	for (const ReservedSet &set : reserved_sets(getpid())) {
		if (std::find(set.cores.begin(), set.cores.end(), core) == set.cores.end())
			continue;
		const std::string path = set.directory + (set.v1 ? "/tasks" : "/cgroup.procs");
		std::ofstream file(path);
		file << pid << std::flush;
		if (!file)
			return fail(EPERM, "cannot move process " + std::to_string(pid) +
						   " to the reserved cores by writing to " + path +
						   "; be root, or have the cgroup delegated");
		return {};
	}
	return fail(EINVAL, "core " + std::to_string(core) + " is not reserved any more; see decouple cores");
}

} // namespace decouple::noise
