/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A host of plain files with which reservations are tested: four cores, in pairs of SMT siblings where asked, and as much of the kernel's
 * behaviour as they meet: what cgroup files do when written to, files that refuse, affinities that cpusets overwrite (as Linux 6.1 does).
 * Affinities are in files too, so that they outlive a process that is killed.
 */
#ifndef DECOUPLE_SELFTESTS_FAKE_HOST_H
#define DECOUPLE_SELFTESTS_FAKE_HOST_H

#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>

#include "userland/reserve/reservation.h"

namespace decouple
{

namespace fs = std::filesystem;

class FakeHost : public Tree
{
public:
	explicit FakeHost(bool unified = true, bool smt = false) : FakeHost(make_directory_name(), unified, smt) {}
	~FakeHost() override
	{
		if (owner_ == getpid())
			fs::remove_all(root_);
	}

	void put(const std::string &path, const std::string &bytes) const
	{
		fs::create_directories(fs::path(root_ + path).parent_path());
		std::ofstream(root_ + path) << bytes;
	}
	std::string get(const std::string &path) const { return read(path).value_or("(none)"); }
	void task(pid_t tid, const std::string &cores, bool bound = false) const
	{
		const std::string directory = "/proc/" + std::to_string(tid);
		fs::create_directories(root_ + directory + "/task/" + std::to_string(tid));
		put(directory + "/comm", "task" + std::to_string(tid) + "\n");
		std::string stat = std::to_string(tid) + " (a) b) S";
		for (int field = 4; field <= 22; field++)
			stat += " " + std::to_string(field == 9 && bound ? 0x04000040 : field == 22 ? 1000 + tid : 0);
		put(directory + "/stat", stat + "\n");
		put(directory + "/affinity", cores + "\n");
	}
	/* Every file with its bytes, but for the journal's directory. */
	std::map<std::string, std::string> snapshot() const
	{
		std::map<std::string, std::string> files;
		for (const auto &entry : fs::recursive_directory_iterator(root_)) {
			const std::string path = entry.path().string().substr(root_.size());
			if (entry.is_regular_file())
				files[path] = get(path);
			else if (!path.starts_with("/var"))
				files[path] = "directory";
		}
		return files;
	}

	std::set<std::string> refusing; /* paths that can't be written */
	int changes_until_kill = -1; /* SIGKILL for this process before that change; -1: never */
	int changes = 0;

	Result<> write(const std::string &path, const std::string &bytes) override
	{
		before_change();
		if (!exists(path))
			return fail(ENOENT, "not there");
		if (refusing.count(path))
			return fail(EIO, "refused");
		if (path.ends_with("/cgroup.subtree_control"))
			return subtree_control(path, trimmed(bytes));
		put(path, trimmed(bytes) + "\n");
		if (exists(path + "_requested"))
			put(path + "_requested", trimmed(bytes) + "\n");
		/* Linux before 6.2 forgets what tasks outside were bound to. */
		if (path.starts_with(cgroup_root + "/decouple") &&
		    (path.ends_with("/cpuset.cpus") || path.ends_with("/cpuset.cpus.partition")))
			overwrite_affinities();
		return {};
	}
	Result<> make_directory(const std::string &path) override
	{
		before_change();
		TRY(Tree::make_directory(path));
		if (unified_ && get(cgroup_root + "/cgroup.subtree_control").find("cpuset") != std::string::npos) {
			put(path + "/cpuset.cpus", "\n");
			put(path + "/cpuset.mems", "\n");
			put(path + "/cpuset.cpus.partition", "member\n");
		}
		if (unified_) {
			put(path + "/cgroup.threads", "");
			put(path + "/cgroup.subtree_control", "\n");
			return {};
		}
		for (const char *file : {"/cpuset.cpus", "/cpuset.mems", "/tasks"})
			put(path + file, file[1] == 't' ? "" : "\n");
		put(path + "/cpuset.cpu_exclusive", "0\n");
		put(path + "/cpuset.sched_load_balance", "1\n");
		return {};
	}
	Result<> remove_directory(const std::string &path) override
	{
		before_change();
		for (const auto &entry : fs::directory_iterator(root_ + path))
			if (entry.is_directory())
				return fail(EBUSY, "has children");
		fs::remove_all(root_ + path);
		return {};
	}
	Result<CoreSet> affinity(pid_t tid) const override
	{
		auto cores = read("/proc/" + std::to_string(tid) + "/affinity");
		if (!cores)
			return fail(ESRCH, "no such task");
		return parse_list(*cores).value();
	}
	Result<> set_affinity(pid_t tid, const CoreSet &cores) override
	{
		before_change();
		put("/proc/" + std::to_string(tid) + "/affinity", format_list(cores) + "\n");
		return {};
	}

	const std::string cgroup_root = "/sys/fs/cgroup";

protected:
	void before_change()
	{
		if (changes++ == changes_until_kill)
			raise(SIGKILL);
	}

private:
	FakeHost(const std::string &root, bool unified, bool smt) : Tree(root), root_(root), unified_(unified), owner_(getpid())
	{
		put("/proc/sys/kernel/random/boot_id", "first-boot\n");
		put("/proc/cmdline", "quiet\n");
		for (const char *file : {"present", "online"})
			put(std::string("/sys/devices/system/cpu/") + file, "0-3\n");
		put("/sys/devices/system/cpu/isolated", "\n");
		put("/sys/devices/system/cpu/nohz_full", "(null)\n");
		for (int core = 0; core < 4; core++) {
			const std::string cpu = "/sys/devices/system/cpu/cpu" + std::to_string(core);
			const int first = core & ~1;
			put(cpu + "/topology/thread_siblings_list",
			    smt ? std::to_string(first) + "-" + std::to_string(first + 1) + "\n" : std::to_string(core) + "\n");
			put(cpu + "/power/pm_qos_resume_latency_us", "0\n");
			fs::create_directories(root_ + cpu + "/node" + std::to_string(core / 2));
			put(cpu + "/cpufreq/scaling_governor", "schedutil\n");
			put(cpu + "/cpufreq/scaling_available_governors", "performance schedutil\n");
			put(cpu + "/cpufreq/energy_performance_preference", "balance_power\n");
			put(cpu + "/cpufreq/energy_performance_available_preferences", "default performance balance_power\n");
		}
		put("/proc/irq/default_smp_affinity", "f\n");
		for (int irq = 0; irq < 6; irq++) {
			put("/proc/irq/" + std::to_string(irq) + "/smp_affinity", irq == 1 ? "1\n" : irq == 2 ? "8\n" : "f\n");
			fs::create_directories(root_ + "/proc/irq/" + std::to_string(irq) + "/dev" + std::to_string(irq));
		}
		put("/sys/devices/virtual/workqueue/cpumask", "0000000f\n");
		put("/sys/devices/virtual/workqueue/writeback/cpumask", "f\n");
		put("/proc/sys/kernel/watchdog_cpumask", "0-3\n");
		put("/proc/sys/vm/stat_interval", "1\n");
		put("/proc/sys/kernel/timer_migration", "1\n");
		put("/proc/self/mountinfo", unified ? "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
						    : "30 23 0:26 / /sys/fs/cgroup rw - cgroup none rw,cpuset\n");
		if (unified) {
			put(cgroup_root + "/cgroup.controllers", "cpuset cpu io memory\n");
			put(cgroup_root + "/cgroup.subtree_control", "io memory\n");
		} else {
			put(cgroup_root + "/cpuset.mems", "0\n");
			put(cgroup_root + "/cpuset.sched_load_balance", "1\n");
		}
		task(1, "0-3");
		task(50, "1");
		task(51, "1,3");
		task(52, "3");
		task(60, "3", true);
		task(61, "0-3", true);
	}

	static std::string make_directory_name()
	{
		/* In memory: the journal is synced at each step. */
		char memory[] = "/dev/shm/fake-host.XXXXXX", disk[] = "/tmp/fake-host.XXXXXX";
		const char *name = mkdtemp(memory);
		return name ? name : mkdtemp(disk);
	}
	Result<> subtree_control(const std::string &path, const std::string &text)
	{
		std::set<std::string> names;
		std::istringstream now(get(path));
		for (std::string name; now >> name;)
			names.insert(name);
		if (text[0] == '+')
			names.insert(text.substr(1));
		else
			names.erase(text.substr(1));
		std::string line;
		for (const char *name : {"cpuset", "cpu", "io", "memory"}) /* the kernel's order */
			if (names.count(name))
				line += (line.empty() ? "" : " ") + std::string(name);
		put(path, line + "\n");
		return {};
	}
	void overwrite_affinities() const
	{
		CoreSet taken;
		if (!unified_)
			return;
		for (const char *name : {"/decouple", "/decouple-idle"})
			if (get(cgroup_root + name + "/cpuset.cpus.partition") == "isolated\n")
				taken = united(taken, parse_list(get(cgroup_root + name + "/cpuset.cpus")).value_or(CoreSet()));
		for (const Task &task : all_tasks(*this))
			if (!is_bound_by_kernel(*this, task.tid))
				put("/proc/" + std::to_string(task.tid) + "/affinity",
				    format_list(without({0, 1, 2, 3}, taken)) + "\n");
	}

	const std::string root_;
	const bool unified_;
	const pid_t owner_;
};

} // namespace decouple

#endif
