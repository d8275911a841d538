/* SPDX-License-Identifier: GPL-2.0-only */
/* Which cores become dedicated, which serve: the rules, over facts that cores.cc has found out. */
#ifndef DECOUPLE_USERLAND_CORE_CHOICE_H
#define DECOUPLE_USERLAND_CORE_CHOICE_H

#include <map>
#include <string>
#include <vector>

namespace decouple
{

struct CoreFacts {
	std::vector<int> allowed; /* by the cpusets of caller and process */
	std::vector<int> bound; /* of these, what a launcher has bound the caller to; else all */
	std::vector<int> reserved; /* away from Linux's own work, in reach or not */
	std::vector<int> usable; /* of all, those on which a vCPU thread of the process may be */
	std::map<int, int> users; /* decoupled threads on a core */
	std::map<int, int> distance; /* of a core from the process's memory */
};

/* Allowed cores that Linux has for itself. */
std::vector<int> plain_cores(const CoreFacts &facts);

bool contains(const std::vector<int> &list, int core);

/* Reserved cores that are usable and have no user, best first: near to the memory, then by number. */
std::vector<int> free_reserved(const CoreFacts &facts);

/*
 * For so many threads: the free reserved cores that are given first, then others, but one of the allowed remains for Linux where there are
 * two. Empty: none is usable.
 */
std::vector<int> choose_dedicated(const CoreFacts &facts, const std::vector<int> &free, unsigned threads);

/* For home threads: what remains, never a reserved one, unless there is nothing else. */
std::vector<int> choose_service(const CoreFacts &facts, const std::vector<int> &dedicated);

/* A sentence for the user where not every thread got a reserved core; else empty. `why`: the reserved ones are out of reach; or empty. */
std::string reservation_note(const CoreFacts &facts, const std::vector<int> &dedicated, unsigned threads,
			     const std::string &why);

} // namespace decouple

#endif
