/* SPDX-License-Identifier: GPL-2.0-only */
/* Cpusets; see cpuset.h. */
#include "reserve/cpuset.h"

#include <algorithm>
#include <sstream>

namespace decouple
{
namespace
{

std::vector<std::string> words(const std::string &text)
{
	std::istringstream in(text);
	std::vector<std::string> all;
	for (std::string word; in >> word;)
		all.push_back(word);
	return all;
}

bool has_word(const std::string &text, const std::string &word)
{
	const auto all = words(text);
	return std::find(all.begin(), all.end(), word) != all.end();
}

/* The steps of one operation; all of them are needed. */
class CpusetPlan
{
public:
	CpusetPlan(const Tree &tree, const CpusetMount &mount) : tree_(tree), mount_(mount) {}

	Result<> change(const std::string &directory, const CoreSet &from, const CoreSet &to);
	void make_controller();
	void drop_controller();
	void service(const CoreSet &from, const CoreSet &to);
	void balance_root(bool on);
	std::vector<Step> take() { return std::move(steps_); }

private:
	Step &add(const std::string &path, const std::string &old, const std::string &next, const std::string &text,
		  const std::string &undo_text);
	void add_directory(Step::Kind kind, const std::string &path);
	void set(const std::string &path, const std::string &old, const std::string &next) { add(path, old, next, next, old); }
	void cores(const std::string &directory, const CoreSet &from, const CoreSet &to);
	void guard(const std::string &directory, bool on);
	void partition(const std::string &directory);
	Result<> remove_children(const std::string &directory);
	void make_v1(const std::string &directory, const CoreSet &cores, bool balanced);
	void remove_v1(const std::string &directory, const CoreSet &cores, bool balanced);

	const Tree &tree_;
	const CpusetMount &mount_;
	std::vector<Step> steps_;
};

Step &CpusetPlan::add(const std::string &path, const std::string &old, const std::string &next, const std::string &text,
		      const std::string &undo_text)
{
	Step step = value_step(path, old + "\n", next + "\n", "cpuset");
	step.text = text + "\n";
	step.undo_text = undo_text + "\n";
	step.fatal = true;
	steps_.push_back(step);
	return steps_.back();
}

void CpusetPlan::add_directory(Step::Kind kind, const std::string &path)
{
	Step step;
	step.kind = kind;
	step.path = path;
	step.what = "cpuset";
	step.fatal = true;
	steps_.push_back(step);
}

void CpusetPlan::cores(const std::string &directory, const CoreSet &from, const CoreSet &to)
{
	set(directory + "/cpuset.cpus", format_list(from), format_list(to));
}

/* With the controller in use below it, nobody (systemd, say) can switch it off in the root, and our cpuset with it. */
void CpusetPlan::guard(const std::string &directory, bool on)
{
	const std::string with[] = {"", "cpuset"}, text[] = {"-cpuset", "+cpuset"};
	add(directory + "/cgroup.subtree_control", with[!on], with[on], text[on], text[!on]);
}

/* Has the kernel accepted it? It says so only there. */
void CpusetPlan::partition(const std::string &directory)
{
	Step step;
	step.kind = Step::expect;
	step.path = directory + "/cpuset.cpus.partition";
	step.next = "isolated";
	step.text = "root"; /* before Linux 6.1, which has no other */
	step.what = "cpuset";
	step.fatal = true;
	steps_.push_back(step);
}

Result<> CpusetPlan::remove_children(const std::string &directory)
{
	for (const std::string &child : tree_.directories(directory)) {
		const std::string path = directory + "/" + child;
		TRY(remove_children(path));
		add_directory(Step::remove_directory, path);
	}
	const std::string tasks = tree_.read(directory + (mount_.unified ? "/cgroup.threads" : "/tasks")).value_or("");
	if (!tasks.empty())
		return fail(EBUSY, "task " + trimmed(tasks.substr(0, tasks.find('\n'))) + " is still in " + directory +
					   ": recouple its thread (decouple status), or end or move it, then try again");
	return {};
}

void CpusetPlan::make_v1(const std::string &directory, const CoreSet &held, bool balanced)
{
	add_directory(Step::make_directory, directory);
	set(directory + "/cpuset.mems", "", trimmed(tree_.read(mount_.root + "/cpuset.mems").value_or("0")));
	cores(directory, {}, held);
	if (balanced)
		return;
	set(directory + "/cpuset.sched_load_balance", "1", "0");
	set(directory + "/cpuset.cpu_exclusive", "0", "1");
	steps_.back().fatal = false; /* others may have cpusets on these cores: reported */
	steps_.back().what = "exclusive use of the cores among cpusets";
}

void CpusetPlan::remove_v1(const std::string &directory, const CoreSet &held, bool balanced)
{
	if (!balanced) {
		set(directory + "/cpuset.cpu_exclusive", trimmed(tree_.read(directory + "/cpuset.cpu_exclusive").value_or("1")),
		    "0");
		set(directory + "/cpuset.sched_load_balance", "0", "1");
	}
	cores(directory, held, {});
	set(directory + "/cpuset.mems", trimmed(tree_.read(directory + "/cpuset.mems").value_or("0")), "");
	add_directory(Step::remove_directory, directory);
}

Result<> CpusetPlan::change(const std::string &directory, const CoreSet &from, const CoreSet &to)
{
	if (from == to)
		return {};
	if (from.empty() && tree_.exists(directory))
		return fail(EEXIST, "the cgroup " + directory + " is there already, and no journal (" +
					    tree_.at(Journal::path("cores")) + ") tells what was changed for it: `rmdir " +
					    directory + "` gives its cores back");
	if (!from.empty() && !tree_.exists(directory)) {
		if (to.empty())
			return {};
		return fail(ENOENT, "the cgroup " + directory +
					    " is gone, somebody has removed it: `decouple cores release all` "
					    "releases the rest of what was reserved");
	}
	if (to.empty())
		TRY(remove_children(directory));
	if (!mount_.unified) {
		if (from.empty())
			make_v1(directory, to, false);
		else if (to.empty())
			remove_v1(directory, from, false);
		else
			cores(directory, from, to);
		return {};
	}
	if (from.empty()) {
		add_directory(Step::make_directory, directory);
		cores(directory, from, to);
		guard(directory, true);
		add(directory + "/cpuset.cpus.partition", "member", "isolated", "isolated", "member").second_text = "root";
		partition(directory);
	} else if (to.empty()) {
		const std::string kind = trimmed(tree_.read(directory + "/cpuset.cpus.partition").value_or("isolated"));
		const std::string word = kind.substr(0, kind.find(' '));
		add(directory + "/cpuset.cpus.partition", kind, "member", "member", word);
		guard(directory, false);
		cores(directory, from, to);
		add_directory(Step::remove_directory, directory);
	} else {
		cores(directory, from, to);
		partition(directory);
	}
	return {};
}

/* The kernel prints controllers in one order everywhere. */
void CpusetPlan::make_controller()
{
	const std::string now = trimmed(tree_.read(mount_.root + "/cgroup.subtree_control").value_or(""));
	std::string with;
	for (const std::string &name : words(tree_.read(mount_.root + "/cgroup.controllers").value_or("")))
		if (name == "cpuset" || has_word(now, name))
			with += (with.empty() ? "" : " ") + name;
	add(mount_.root + "/cgroup.subtree_control", now, with, "+cpuset", "-cpuset");
}

/* Unless others use it by now: their settings would go with it. */
void CpusetPlan::drop_controller()
{
	for (const std::string &name : tree_.directories(mount_.root)) {
		const std::string directory = mount_.root + "/" + name;
		if (directory == mount_.directory(false) || directory == mount_.directory(true))
			continue;
		if (has_word(tree_.read(directory + "/cgroup.subtree_control").value_or(""), "cpuset"))
			return;
		for (const char *file : {"/cpuset.cpus", "/cpuset.mems"})
			if (!trimmed(tree_.read(directory + file).value_or("")).empty())
				return;
	}
	const std::string now = trimmed(tree_.read(mount_.root + "/cgroup.subtree_control").value_or(""));
	std::string rest;
	for (const std::string &name : words(now))
		if (name != "cpuset")
			rest += (rest.empty() ? "" : " ") + name;
	if (rest == now)
		return;
	add(mount_.root + "/cgroup.subtree_control", now, rest, "-cpuset", "+cpuset");
	steps_.back().fatal = false;
	steps_.back().what = "cpuset controller of the root cgroup";
}

void CpusetPlan::service(const CoreSet &from, const CoreSet &to)
{
	const std::string directory = mount_.root + "/decouple-service";
	if (from.empty() && !to.empty())
		make_v1(directory, to, true);
	else if (!from.empty() && to.empty())
		remove_v1(directory, from, true);
	else if (from != to)
		cores(directory, from, to);
}

void CpusetPlan::balance_root(bool on)
{
	set(mount_.root + "/cpuset.sched_load_balance", on ? "0" : "1", on ? "1" : "0");
}

Result<std::vector<Step>> plan_v1(const Tree &tree, const CpusetMount &mount, const CoreSet &online, const ReservedState &from,
				  ReservedState &to)
{
	CpusetPlan plan(tree, mount);
	const CoreSet before = from.all(), after = to.all();
	const CoreSet served = before.empty() ? CoreSet() : without(online, before);
	const CoreSet serve = after.empty() ? CoreSet() : without(online, after);
	const std::string balance = mount.root + "/cpuset.sched_load_balance";
	if (before.empty())
		to.root_balance = trimmed(tree.read(balance).value_or("0")) == "1";
	/* An exclusive cpuset may not overlap another one at any moment. */
	const bool grows = serve.size() < served.size() || before.empty();
	if (after.empty() && from.root_balance)
		plan.balance_root(true);
	if (grows)
		plan.service(served, serve);
	TRY(plan.change(mount.directory(false), from.cores, to.cores));
	TRY(plan.change(mount.directory(true), from.idle, to.idle));
	if (!grows)
		plan.service(served, serve);
	if (before.empty() && to.root_balance)
		plan.balance_root(false);
	if (after.empty())
		to.root_balance = false;
	return plan.take();
}

} // namespace

Result<CpusetMount> find_cpuset_mount(const Tree &tree)
{
	std::istringstream lines(tree.read("/proc/self/mountinfo").value_or(""));
	CpusetMount first_v1;
	for (std::string line; std::getline(lines, line);) {
		const auto fields =
			words(line); /* proc(5): the root within the file system is the fourth, the mount point the fifth */
		const auto dash = std::find(fields.begin(), fields.end(), "-");
		if (fields.size() < 5 || fields.end() - dash < 4)
			continue;
		const std::string type = dash[1], options = dash[3];
		const CpusetMount found{fields[4], type == "cgroup2"};
		if (found.unified) {
			if (!has_word(tree.read(found.root + "/cgroup.controllers").value_or(""), "cpuset"))
				continue;
			if (fields[3] != "/" || tree.exists(found.root + "/cgroup.type"))
				return fail(
					ENODEV,
					found.root +
						" is not the root of the cgroups: in a container cores can't be reserved; do "
						"it on the host");
			return found;
		}
		if (type == "cgroup" && ("," + options + ",").find(",cpuset,") != std::string::npos && first_v1.root.empty())
			first_v1 = found;
	}
	if (!first_v1.root.empty())
		return first_v1;
	return fail(ENODEV,
		    "no cgroup file system with the cpuset controller is mounted: `mount -t cgroup2 none /sys/fs/cgroup` "
		    "mounts it (with cgroup v1: -t cgroup -o cpuset)");
}

CoreSet cpuset_cores(const Tree &tree, const CpusetMount &mount, bool idle)
{
	return parse_list(tree.read(mount.directory(idle) + "/cpuset.cpus").value_or("")).value_or(CoreSet());
}

Result<std::vector<Step>> plan_cpusets(const Tree &tree, const CpusetMount &mount, const CoreSet &online,
				       const ReservedState &from, ReservedState &to)
{
	if (!mount.unified)
		return plan_v1(tree, mount, online, from, to);
	CpusetPlan plan(tree, mount);
	if (from.all().empty() && !has_word(tree.read(mount.root + "/cgroup.subtree_control").value_or(""), "cpuset")) {
		plan.make_controller();
		to.controller = true;
	}
	TRY(plan.change(mount.directory(false), from.cores, to.cores));
	TRY(plan.change(mount.directory(true), from.idle, to.idle));
	if (to.all().empty() && from.controller) {
		plan.drop_controller();
		to.controller = false;
	}
	return plan.take();
}

} // namespace decouple
