/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which tasks may run where, and where they are to go. What cpusets do to affinities: a partition takes its cores from every task outside,
 * but Linux before 6.2 forgets thereby what a task (or kswapd) was bound to, and later ones forget it of kernel threads. So affinities are put
 * right behind each change of cpusets, when reserving as when releasing.
 */
#ifndef DECOUPLE_RESERVE_TASKS_H
#define DECOUPLE_RESERVE_TASKS_H

#include <map>
#include <vector>

#include "reserve/step.h"

namespace decouple
{

struct Task {
	pid_t tid = 0;
	CoreSet cores;
};
std::vector<Task> all_tasks(const Tree &tree);

/* Of /proc/TID/stat: start time in clock ticks since boot (0: no such task), and whether sched_setaffinity(2) is refused for it. */
unsigned long task_start(const Tree &tree, pid_t tid);
bool is_bound_by_kernel(const Tree &tree, pid_t tid);
std::string task_name(const Tree &tree, pid_t tid);

/* What a task was bound to before it was moved, and what we left it with. */
struct MovedTask {
	unsigned long start = 0;
	CoreSet was, left;
};
using MovedTasks = std::map<pid_t, MovedTask>;

/* A change of what is reserved. */
struct CoreChange {
	CoreSet online, before, after; /* before, after: the reserved cores */
	bool by_cpuset = false; /* the cpusets themselves keep tasks off the reserved cores (cgroup v2) */
	/* Where tasks go of which all cores are reserved. */
	CoreSet service() const { return without(online, after); }
};

/* Steps that put tasks where they belong behind the change of cpusets, and what is to be remembered of them then. */
struct TaskPlan {
	std::vector<Step> steps;
	MovedTasks moved;
};
TaskPlan plan_tasks(const Tree &tree, const CoreChange &change, const MovedTasks &moved);

/* What is still allowed on newly reserved cores: tasks that can be moved (as steps), and those that can't be. */
struct Stragglers {
	std::vector<Step> steps;
	MovedTasks moved;
	std::vector<pid_t> bound; /* per-CPU kernel threads */
	std::vector<pid_t> fixed; /* kernel threads of all cores that only cpusets could move (cgroup v2 does) */
};
Stragglers find_stragglers(const Tree &tree, const CoreChange &change);

} // namespace decouple

#endif
