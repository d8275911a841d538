/* SPDX-License-Identifier: GPL-2.0-only */
/* Which cores become dedicated, which serve. */
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <string>

#include "module.h"
#include "session.h"

namespace decouple
{

static std::vector<int> to_list(const cpu_set_t &set)
{
	std::vector<int> cores;
	for (int c = 0; c < CPU_SETSIZE; c++)
		if (CPU_ISSET(c, &set))
			cores.push_back(c);
	return cores;
}

/* Cores that cpusets allow, whatever the caller is bound to. */
static std::vector<int> allowed_cores()
{
	cpu_set_t bound, all, allowed;
	sched_getaffinity(0, sizeof(bound), &bound);
	CPU_ZERO(&all);
	for (long c = 0; c < sysconf(_SC_NPROCESSORS_CONF) && c < CPU_SETSIZE; c++)
		CPU_SET(static_cast<size_t>(c), &all);
	allowed = bound;
	if (sched_setaffinity(0, sizeof(all), &all) == 0)
		sched_getaffinity(0, sizeof(allowed), &allowed);
	sched_setaffinity(0, sizeof(bound), &bound);
	return to_list(allowed);
}

static std::vector<int> bound_cores()
{
	cpu_set_t bound;
	sched_getaffinity(0, sizeof(bound), &bound);
	return to_list(bound);
}

static std::string text(const std::vector<int> &cores)
{
	std::string s;
	for (int c : cores)
		s += (s.empty() ? "" : ",") + std::to_string(c);
	return s;
}

static Result<> all_in(const std::vector<int> &asked, const std::vector<int> &allowed, const char *what)
{
	for (int c : asked)
		if (std::find(allowed.begin(), allowed.end(), c) == allowed.end())
			return fail(EINVAL, std::string(what) + " core " + std::to_string(c) +
						    " is not available to this process (allowed: " + text(allowed) + ")");
	return {};
}

/* Of the candidates those that the module lets the caller use. */
static Result<std::vector<int>> only_granted(const std::vector<int> &candidates)
{
	auto granted = TRY(Module::granted_cores());
	std::vector<int> usable;
	for (int c : candidates)
		if (std::find(granted.begin(), granted.end(), c) != granted.end())
			usable.push_back(c);
	if (usable.empty())
		TRY(Module::check_cores(candidates));
	return usable;
}

Result<Cores> choose_cores(const std::vector<int> &asked_dedicated, const std::vector<int> &asked_service, unsigned threads,
			   Reflector reflector)
{
	bool module = reflector == Reflector::module || (reflector == Reflector::automatic && Module::available());
	std::vector<int> allowed = allowed_cores(), bound = bound_cores();
	TRY(all_in(asked_dedicated, allowed, "dedicated"));
	TRY(all_in(asked_service, allowed, "service"));
	if (module)
		TRY(Module::check_cores(asked_dedicated));
	Cores chosen{asked_dedicated, asked_service};
	if (chosen.dedicated.empty()) {
		if (allowed.size() < 2)
			return fail(EBUSY, "no free core: a decoupled thread needs one and Linux another, but only core " +
						   text(allowed) +
						   " is allowed here; widen the cpuset, or name cores with --cores");
		/* Where a launcher has bound us (one MPI rank per core), that is the core to dedicate; else the last ones, least used first. */
		std::vector<int> candidates =
			bound.size() < allowed.size() ? bound : std::vector<int>(allowed.rbegin(), allowed.rend());
		if (module)
			candidates = TRY(only_granted(candidates));
		std::map<int, int> users;
		for (const ThreadStatus &t : status_all())
			if (t.info.state != SessionState::recoupled && t.info.state != SessionState::failed)
				users[static_cast<int>(t.info.core)]++;
		std::stable_sort(candidates.begin(), candidates.end(), [&](int a, int b) { return users[a] < users[b]; });
		size_t most = std::max<size_t>(1, std::min<size_t>(candidates.size(), allowed.size() - 1));
		candidates.resize(std::min<size_t>(most, std::max(1u, threads)));
		chosen.dedicated = candidates;
	}
	if (chosen.service.empty()) {
		for (int c : allowed)
			if (std::find(chosen.dedicated.begin(), chosen.dedicated.end(), c) == chosen.dedicated.end())
				chosen.service.push_back(c);
		if (chosen.service.empty()) /* everything was dedicated by name: they share */
			chosen.service = allowed;
	}
	return chosen;
}

} // namespace decouple
