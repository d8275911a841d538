/* SPDX-License-Identifier: GPL-2.0-only */
/* Which cores become dedicated, which serve. */
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "core_choice.h"
#include "core_list.h"
#include "cpuset.h"
#include "decouple/uapi.h"
#include "module.h"
#include "nodes.h"
#include "placement.h"
#include "reserved.h"
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

static Result<> all_in(const std::vector<int> &asked, const std::vector<int> &allowed, const char *what)
{
	for (int c : asked)
		if (!contains(allowed, c))
			return fail(EINVAL, std::string(what) + " core " + std::to_string(c) +
						    " is not available to this process (allowed: " + format_core_list(allowed) +
						    ")");
	return {};
}

/* Decoupled threads on each core: those that the caller may look into, and those that the module knows of. */
static std::map<int, int> users_of_cores()
{
	std::map<int, int> users;
	std::set<pid_t> seen;
	for (const ThreadStatus &t : status_all())
		if (t.info.state != SessionState::recoupled && t.info.state != SessionState::failed) {
			users[static_cast<int>(t.info.core)]++;
			seen.insert(t.tid);
		}
	std::error_code none;
	for (const auto &entry : std::filesystem::directory_iterator(DECOUPLE_SYSFS, none))
		if (pid_t tid = atoi(entry.path().filename().c_str()); tid > 0 && !seen.contains(tid))
			for (int core : read_core_list(entry.path() / "core"))
				users[core]++;
	return users;
}

static std::vector<int> both(const std::vector<int> &a, const std::vector<int> &b)
{
	std::vector<int> result;
	std::copy_if(a.begin(), a.end(), std::back_inserter(result), [&](int core) { return contains(b, core); });
	return result;
}

/* The process's memory is looked at only where it makes a difference. */
static std::map<int, int> distances(pid_t pid, const std::vector<int> &cores)
{
	auto nodes = read_nodes();
	std::set<int> several;
	for (const auto &[number, node] : nodes)
		if (!both(node.cores, cores).empty())
			several.insert(number);
	if (several.size() < 2)
		return {};
	int near = memory_node(pid);
	for (const auto &[number, node] : nodes)
		if (near < 0 && contains(node.cores, last_core(pid, pid)))
			near = number;
	return distances_from(near, nodes);
}

/* Where a vCPU thread of the process may be, and why not on reserved ones. */
static Result<> find_usable(const CoreRequest &request, bool module, CoreFacts &facts)
{
	if (module) {
		std::vector<int> granted = TRY(Module::granted_cores());
		facts.usable = granted;
		if (both(facts.reserved, granted).empty() && !facts.reserved.empty())
			return Module::check_cores(facts.reserved);
		return {};
	}
	facts.usable = facts.allowed;
	Result<> why = {};
	for (const ReservedSet &set : reserved_sets(request.pid)) {
		auto may = may_enter(set, request.pid);
		if (may && request.follow)
			may = fail(EOPNOTSUPP,
				   "without the module kmod-decouple --follow can't bring new threads to the reserved cores " +
					   format_core_list(set.cores));
		if (may)
			facts.usable.insert(facts.usable.end(), set.cores.begin(), set.cores.end());
		else if (both(set.cores, facts.allowed).empty())
			why = may;
	}
	return why;
}

static Result<> check_named(const CoreRequest &request, const CoreFacts &facts, const std::vector<int> &allowed, bool module,
			    const Result<> &reachable)
{
	std::vector<int> known = allowed;
	for (int core : facts.reserved)
		if (!contains(known, core))
			known.push_back(core);
	std::sort(known.begin(), known.end());
	TRY(all_in(request.dedicated, known, "dedicated"));
	for (int core : request.service)
		if (contains(facts.reserved, core))
			return fail(EINVAL, "service core " + std::to_string(core) +
						    " is reserved for decoupled threads: home threads are Linux's own work");
	TRY(all_in(request.service, allowed, "service"));
	if (module)
		return Module::check_cores(request.dedicated);
	for (int core : request.dedicated)
		if (contains(facts.reserved, core) && !contains(facts.usable, core))
			return reachable;
	return {};
}

/* The claim first, then the look at who is there: whoever had it before is to be seen by now. */
static std::vector<int> claim_free(const CoreFacts &facts, unsigned threads, std::vector<std::shared_ptr<CoreClaim>> &claims)
{
	std::vector<int> candidates = free_reserved(facts), free;
	for (size_t next = 0; next < candidates.size() && free.size() < threads;) {
		std::map<int, std::shared_ptr<CoreClaim>> claimed;
		for (; next < candidates.size() && free.size() + claimed.size() < threads; next++)
			if (auto claim = CoreClaim::take(candidates[next]))
				claimed[candidates[next]] = std::make_shared<CoreClaim>(std::move(*claim));
		auto users = users_of_cores();
		for (int core : candidates)
			if (claimed.contains(core) && !users[core]) {
				claims.push_back(claimed[core]);
				free.push_back(core);
			}
	}
	return free;
}

Result<Cores> choose_cores(const CoreRequest &asked)
{
	CoreRequest request = asked;
	request.pid = request.pid ? request.pid : getpid();
	bool module =
		request.reflector == Reflector::module || (request.reflector == Reflector::automatic && Module::available());
	CoreFacts facts;
	std::vector<int> allowed = allowed_cores();
	auto cpusets = Cpusets::mounted();
	facts.allowed = both(allowed, cpusets ? cpusets->cores_of(request.pid) : allowed);
	if (facts.allowed.empty())
		facts.allowed = allowed;
	facts.bound = both(bound_cores(), facts.allowed);
	if (facts.bound.empty())
		facts.bound = facts.allowed;
	for (const ReservedSet &set : reserved_sets(request.pid))
		facts.reserved.insert(facts.reserved.end(), set.cores.begin(), set.cores.end());
	std::sort(facts.reserved.begin(), facts.reserved.end());
	auto reachable = find_usable(request, module, facts);
	TRY(check_named(request, facts, allowed, module, reachable));
	Cores chosen;
	chosen.dedicated = request.dedicated;
	if (chosen.dedicated.empty()) {
		const unsigned threads = std::max(1u, request.threads);
		facts.users = users_of_cores();
		facts.distance = distances(request.pid, facts.reserved);
		auto free = claim_free(facts, threads, chosen.claims);
		if (free.empty() && plain_cores(facts).size() < 2)
			return fail(EBUSY,
				    "no free core: a decoupled thread needs one and Linux another, but only core " +
					    format_core_list(facts.allowed) +
					    " is allowed here; reserve one (decouple cores reserve), widen the cpuset, or name "
					    "cores with --cores");
		chosen.dedicated = choose_dedicated(facts, free, threads);
		if (chosen.dedicated.empty() && module)
			TRY(Module::check_cores(facts.allowed));
		if (chosen.dedicated.empty())
			return fail(EBUSY, "no free core: every core that is allowed here (" + format_core_list(facts.allowed) +
						   ") is reserved or serves Linux; name cores with --cores");
		chosen.note = reservation_note(facts, chosen.dedicated, threads, reachable ? "" : reachable.error().what);
	}
	chosen.service = request.service.empty() ? choose_service(facts, chosen.dedicated) : request.service;
	return chosen;
}

} // namespace decouple
