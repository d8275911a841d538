/* SPDX-License-Identifier: GPL-2.0-only */
/* Tasks and their affinities; see tasks.h. */
#include "reserve/tasks.h"

#include <charconv>
#include <sstream>

namespace decouple
{
namespace
{

constexpr unsigned long pf_no_setaffinity = 0x04000000; /* PF_NO_SETAFFINITY of <linux/sched.h> */

/* A field of /proc/TID/stat, numbered as in proc(5), from the third on; 0: no such task. */
unsigned long stat_field(const Tree &tree, pid_t tid, int number)
{
	const std::string line = tree.read("/proc/" + std::to_string(tid) + "/stat").value_or("");
	const size_t name_end = line.rfind(')'); /* the name may contain anything */
	if (name_end == std::string::npos)
		return 0;
	std::istringstream fields(line.substr(name_end + 1));
	std::string value;
	for (int i = 3; i <= number; i++)
		if (!(fields >> value))
			return 0;
	unsigned long result = 0;
	std::from_chars(value.data(), value.data() + value.size(), result);
	return result;
}

pid_t to_id(const std::string &name)
{
	pid_t id = 0;
	auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
	return error == std::errc() && end == name.data() + name.size() ? id : 0;
}

Step task_step(const Tree &tree, const Task &task, unsigned long start, const CoreSet &next)
{
	Step step;
	step.kind = Step::task;
	step.tid = task.tid;
	step.start = start;
	step.old = format_list(task.cores);
	step.next = format_list(next);
	step.what = "task " + std::to_string(task.tid) + " (" + task_name(tree, task.tid) + ")";
	return step;
}

/* What the task would be bound to if nothing were reserved. */
CoreSet unreserved_cores(const CoreChange &change, const Task &task, const MovedTask *known)
{
	/* If somebody else has set it since, that counts. */
	if (known && known->left == task.cores)
		return known->was;
	/* Begun by one that had been moved. */
	if (!change.by_cpuset && !change.before.empty() && task.cores == without(change.online, change.before))
		return change.online;
	return task.cores;
}

} // namespace

std::vector<Task> all_tasks(const Tree &tree)
{
	std::vector<Task> tasks;
	for (const std::string &process : tree.entries("/proc")) {
		if (!to_id(process))
			continue;
		for (const std::string &thread : tree.entries("/proc/" + process + "/task")) {
			const pid_t tid = to_id(thread);
			auto cores = tree.affinity(tid);
			if (tid && cores)
				tasks.push_back({tid, std::move(*cores)});
		}
	}
	return tasks;
}

unsigned long task_start(const Tree &tree, pid_t tid)
{
	return stat_field(tree, tid, 22);
}

bool is_bound_by_kernel(const Tree &tree, pid_t tid)
{
	return stat_field(tree, tid, 9) & pf_no_setaffinity;
}

std::string task_name(const Tree &tree, pid_t tid)
{
	return trimmed(tree.read("/proc/" + std::to_string(tid) + "/comm").value_or("?"));
}

TaskPlan plan_tasks(const Tree &tree, const CoreChange &change, const MovedTasks &moved)
{
	TaskPlan plan;
	const CoreSet service = change.service(), full = without(change.online, change.before);
	for (const Task &task : all_tasks(tree)) {
		/* Placed on reserved cores by decoupling, or per-CPU kernel threads: stay as they are. */
		const bool placed = includes(change.before, task.cores);
		if (placed && common(task.cores, change.after).empty())
			continue;
		auto found = moved.find(task.tid);
		const MovedTask *known = found == moved.end() ? nullptr : &found->second;
		/* Bound to nothing in particular: the cpusets do what is to be done. */
		if (change.by_cpuset && !known && includes(task.cores, full))
			continue;
		if (!change.by_cpuset && !known && change.before.empty() && common(task.cores, change.after).empty())
			continue;
		if (is_bound_by_kernel(tree, task.tid))
			continue;
		const unsigned long start = task_start(tree, task.tid);
		if (!start)
			continue;
		if (known && known->start != start)
			known = nullptr; /* the number of another task */
		const CoreSet was = placed ? task.cores : unreserved_cores(change, task, known);
		CoreSet next = placed ? was : without(was, change.after);
		if (next.empty())
			next = service;
		plan.steps.push_back(task_step(tree, task, start, next));
		if (next != was)
			plan.moved[task.tid] = {start, was, next};
	}
	return plan;
}

Stragglers find_stragglers(const Tree &tree, const CoreChange &change)
{
	Stragglers found;
	const CoreSet fresh = without(change.after, change.before);
	for (const Task &task : all_tasks(tree)) {
		if (common(task.cores, fresh).empty())
			continue;
		if (is_bound_by_kernel(tree, task.tid)) {
			(includes(fresh, task.cores) ? found.bound : found.fixed).push_back(task.tid);
			continue;
		}
		const unsigned long start = task_start(tree, task.tid);
		CoreSet next = without(task.cores, change.after);
		if (next.empty())
			next = change.service();
		if (!start)
			continue;
		found.steps.push_back(task_step(tree, task, start, next));
		found.moved[task.tid] = {start, task.cores, next};
	}
	return found;
}

} // namespace decouple
