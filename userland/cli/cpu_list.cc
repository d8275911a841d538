/* SPDX-License-Identifier: GPL-2.0-only */
/* CPU lists: parsing, printing, and the caller's own. */
#include "cli/cpu_list.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <set>

namespace decouple::cli
{
namespace
{

constexpr int cpu_limit = 8192; /* CONFIG_NR_CPUS of the largest x86 kernels */

/* Reads a number at `at` and moves `at` behind it; -1: none there. */
int take_number(const char *&at, const char *end)
{
	int value = -1;
	auto [next, error] = std::from_chars(at, end, value);
	if (error != std::errc() || value < 0 || value >= cpu_limit)
		return -1;
	at = next;
	return value;
}

} // namespace

Result<std::vector<int>> parse_cpu_list(const std::string &text)
{
	const auto wrong = fail(EINVAL, "`" + text + "` is not a list of cores such as 1,4-7");
	std::set<int> cpus;
	const char *at = text.data();
	const char *const end = at + text.size();
	for (;;) {
		int first = take_number(at, end);
		int last = first;
		if (first >= 0 && at != end && *at == '-')
			last = take_number(++at, end);
		if (first < 0 || last < first)
			return wrong;
		for (int cpu = first; cpu <= last; cpu++)
			cpus.insert(cpu);
		if (at == end)
			return std::vector<int>(cpus.begin(), cpus.end());
		if (*at++ != ',')
			return wrong;
	}
}

std::string format_cpu_list(const std::vector<int> &cpus)
{
	std::string text;
	for (size_t i = 0; i < cpus.size();) {
		size_t last = i;
		while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1)
			last++;
		text += (text.empty() ? "" : ",") + std::to_string(cpus[i]);
		if (last > i)
			text += "-" + std::to_string(cpus[last]);
		i = last + 1;
	}
	return text;
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
