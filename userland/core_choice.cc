/* SPDX-License-Identifier: GPL-2.0-only */
/* See core_choice.h. */
#include "core_choice.h"

#include <algorithm>

#include "core_list.h"

namespace decouple
{

bool contains(const std::vector<int> &list, int core)
{
	return std::find(list.begin(), list.end(), core) != list.end();
}

static int value(const std::map<int, int> &map, int core)
{
	auto found = map.find(core);
	return found == map.end() ? 0 : found->second;
}

std::vector<int> free_reserved(const CoreFacts &facts)
{
	std::vector<int> free;
	for (int core : facts.reserved)
		if (contains(facts.usable, core) && !value(facts.users, core))
			free.push_back(core);
	std::sort(free.begin(), free.end());
	std::stable_sort(free.begin(), free.end(),
			 [&](int a, int b) { return value(facts.distance, a) < value(facts.distance, b); });
	return free;
}

/* Where a launcher has bound us (one MPI rank per core), that is the core to dedicate; else the last ones, least used first. */
static std::vector<int> others(const CoreFacts &facts)
{
	std::vector<int> candidates = facts.bound.size() < facts.allowed.size()
					      ? facts.bound
					      : std::vector<int>(facts.allowed.rbegin(), facts.allowed.rend());
	std::erase_if(candidates, [&](int core) { return contains(facts.reserved, core) || !contains(facts.usable, core); });
	std::stable_sort(candidates.begin(), candidates.end(),
			 [&](int a, int b) { return value(facts.users, a) < value(facts.users, b); });
	return candidates;
}

std::vector<int> plain_cores(const CoreFacts &facts)
{
	std::vector<int> cores = facts.allowed;
	std::erase_if(cores, [&](int core) { return contains(facts.reserved, core); });
	return cores;
}

std::vector<int> choose_dedicated(const CoreFacts &facts, const std::vector<int> &free, unsigned threads)
{
	const size_t wanted = std::max(1u, threads);
	std::vector<int> chosen(free.begin(), free.begin() + static_cast<long>(std::min(free.size(), wanted)));
	size_t room = plain_cores(facts).size();
	room = room > 1 || !chosen.empty() ? room - std::min<size_t>(room, 1) : room; /* one stays a service core */
	for (int core : others(facts)) {
		if (chosen.size() == wanted || !room)
			break;
		chosen.push_back(core);
		room--;
	}
	return chosen;
}

std::vector<int> choose_service(const CoreFacts &facts, const std::vector<int> &dedicated)
{
	std::vector<int> cores = plain_cores(facts);
	std::erase_if(cores, [&](int core) { return contains(dedicated, core); });
	if (cores.empty()) /* everything was dedicated by name: they share */
		cores = plain_cores(facts);
	return cores.empty() ? facts.allowed : cores;
}

std::string reservation_note(const CoreFacts &facts, const std::vector<int> &dedicated, unsigned threads,
			     const std::string &why)
{
	std::vector<int> shared;
	for (int core : dedicated)
		if (!contains(facts.reserved, core))
			shared.push_back(core);
	if (shared.empty())
		return "";
	std::sort(shared.begin(), shared.end());
	const std::string list = format_core_list(shared), cores = (shared.size() == 1 ? "core " : "cores ") + list;
	const std::string taken =
		"taken " + std::string(shared.size() == 1 ? "is " : "are ") + cores + ", which Linux uses too";
	const std::string remedy = "; reserve with `decouple cores reserve " + list + "`";
	if (facts.reserved.empty())
		return "no reserved core: " + taken + remedy;
	if (shared.size() < dedicated.size())
		return "only " + std::to_string(dedicated.size() - shared.size()) + " of " + std::to_string(threads) +
		       " threads get reserved cores: " + taken + remedy;
	if (!why.empty())
		return why + ". So " + taken;
	return "no reserved core is free (" + format_core_list(facts.reserved) + "): " + taken + remedy;
}

} // namespace decouple
