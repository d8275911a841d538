/* SPDX-License-Identifier: GPL-2.0-only */
/* Core lists: parsing, printing. */
#include "core_list.h"

#include <charconv>
#include <fstream>
#include <set>

namespace decouple
{

constexpr int core_limit = 8192; /* CONFIG_NR_CPUS of the largest x86 kernels */

/* Reads a number at `at` and moves `at` behind it; -1: none there. */
static int take_number(const char *&at, const char *end)
{
	int value = -1;
	auto [next, error] = std::from_chars(at, end, value);
	if (error != std::errc() || value < 0 || value >= core_limit)
		return -1;
	at = next;
	return value;
}

Result<std::vector<int>> parse_core_list(const std::string &text)
{
	const auto wrong = fail(EINVAL, "`" + text + "` is not a list of cores such as 1,4-7");
	std::set<int> cores;
	const char *at = text.data();
	const char *const end = at + text.size();
	for (;;) {
		int first = take_number(at, end);
		int last = first;
		if (first >= 0 && at != end && *at == '-')
			last = take_number(++at, end);
		if (first < 0 || last < first)
			return wrong;
		for (int core = first; core <= last; core++)
			cores.insert(core);
		if (at == end)
			return std::vector<int>(cores.begin(), cores.end());
		if (*at++ != ',')
			return wrong;
	}
}

std::string format_core_list(const std::vector<int> &cores)
{
	std::string text;
	for (size_t i = 0; i < cores.size();) {
		size_t last = i;
		while (last + 1 < cores.size() && cores[last + 1] == cores[last] + 1)
			last++;
		text += (text.empty() ? "" : ",") + std::to_string(cores[i]);
		if (last > i)
			text += "-" + std::to_string(cores[last]);
		i = last + 1;
	}
	return text;
}

std::vector<int> read_core_list(const std::string &path)
{
	std::ifstream in(path);
	std::string line;
	if (!std::getline(in, line))
		return {};
	return parse_core_list(line).value_or(std::vector<int>{});
}

} // namespace decouple
