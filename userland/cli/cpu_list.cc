/* SPDX-License-Identifier: GPL-2.0-only */
/* CPU lists: those of the library, and the caller's own. */
#include "cli/cpu_list.h"

#include <sched.h>

#include "core_list.h"

namespace decouple::cli
{

constexpr int cpu_limit = 8192; /* CONFIG_NR_CPUS of the largest x86 kernels */

Result<std::vector<int>> parse_cpu_list(const std::string &text)
{
	return parse_core_list(text);
}

std::string format_cpu_list(const std::vector<int> &cpus)
{
	return format_core_list(cpus);
}

std::vector<int> allowed_cpus()
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

} // namespace decouple::cli
