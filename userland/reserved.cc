/* SPDX-License-Identifier: GPL-2.0-only */
/* See reserved.h. */
#include "reserved.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "core_list.h"
#include "cpuset.h"

namespace decouple
{

static std::string first_line(const std::string &path)
{
	std::ifstream in(path);
	std::string line;
	std::getline(in, line);
	return line;
}

/* One write, and what the kernel says to it. */
static bool write_text(const std::string &path, const std::string &text)
{
	int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n = write(fd, text.data(), text.size());
	int error = errno;
	close(fd);
	errno = error;
	return n == static_cast<ssize_t>(text.size());
}

/* The cores that Linux has really given away; none: it is no reservation, or an invalid one. */
static std::vector<int> cores_in(const std::string &directory, bool v1)
{
	if (v1)
		return read_core_list(directory + "/cpuset.cpus");
	std::string state = first_line(directory + "/cpuset.cpus.partition");
	if (state != "isolated" && state != "root")
		return {};
	return read_core_list(directory + "/cpuset.cpus.effective");
}

std::vector<ReservedSet> reserved_sets(pid_t pid, const std::string &root)
{
	std::vector<ReservedSet> sets;
	auto cpusets = Cpusets::mounted(root);
	if (!cpusets)
		return sets;
	std::string own = cpusets->cgroup_of(pid);
	std::vector<std::string> places = {cpusets->top()};
	if (!own.empty() && own != cpusets->top())
		places.push_back(own);
	for (const std::string &above : places) {
		std::string directory = cpusets->directory(above);
		if (directory.empty())
			continue;
		directory += "/decouple";
		auto cores = cores_in(directory, cpusets->v1());
		if (!cores.empty())
			sets.push_back({cores, directory, above, cpusets->v1()});
	}
	return sets;
}

static std::unexpected<Error> no_way(const ReservedSet &set, pid_t pid, int error, const std::string &why)
{
	return fail(error, "without the module kmod-decouple a thread of process " + std::to_string(pid) +
				   " can't get to the reserved cores " + format_core_list(set.cores) + ": " + why);
}

/* As the kernel judges it (cgroups(7), "Thread mode"): threads move within one cgroup and the threaded ones below it. */
static Result<> same_domain(const ReservedSet &set, pid_t pid, const std::string &root)
{
	auto cpusets = Cpusets::mounted(root);
	std::string own = cpusets ? cpusets->cgroup_of(pid) : "";
	if (own == set.above)
		return {};
	return no_way(set, pid, EOPNOTSUPP,
		      "it is in the cgroup " + (own.empty() ? "of another hierarchy" : own) +
			      ", and cgroup v2 moves its threads "
			      "only to cgroups below that; load the module");
}

Result<> may_enter(const ReservedSet &set, pid_t pid, const std::string &root)
{
	std::string list = set.directory + (set.v1 ? "/tasks" : "/cgroup.threads");
	if (!set.v1)
		TRY(same_domain(set, pid, root));
	if (access(list.c_str(), W_OK) == 0)
		return {};
	return no_way(set, pid, EACCES,
		      "only who may write to " + list +
			      " puts threads there; be root, or have the administrator load the module");
}

/* A tid as we see it; it came from the process itself, which may be in another pid namespace, or lie. */
static bool is_vcpu_thread(pid_t pid, pid_t tid, const std::string &root)
{
	return first_line(root + "/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/comm")
		.starts_with("dec-vcpu/");
}

Result<> enter_reserved(pid_t pid, pid_t vcpu_tid, int core, const std::string &root)
{
	auto sets = reserved_sets(pid, root);
	auto set = std::find_if(sets.begin(), sets.end(), [core](const ReservedSet &s) {
		return std::find(s.cores.begin(), s.cores.end(), core) != s.cores.end();
	});
	if (set == sets.end())
		return fail(EINVAL,
			    "core " + std::to_string(core) + " is not in the cpuset of process " + std::to_string(pid) +
				    ", and not reserved (decouple cores list): name another one with --cores, or load the "
				    "module kmod-decouple");
	TRY(may_enter(*set, pid, root));
	if (!is_vcpu_thread(pid, vcpu_tid, root))
		return no_way(*set, pid, ESRCH,
			      "thread " + std::to_string(vcpu_tid) +
				      ", which it names, is no vCPU thread of its own (is it in a pid namespace?)");
	std::string type = set->directory + "/cgroup.type", list = set->directory + (set->v1 ? "/tasks" : "/cgroup.threads");
	if (!set->v1 && first_line(type) == "domain" && !write_text(type, "threaded"))
		return no_way(*set, pid, errno,
			      "can't write `threaded` to " + type + ": " + strerror(errno) + " (are there processes in it?)");
	if (!write_text(list, std::to_string(vcpu_tid)))
		return no_way(*set, pid, errno,
			      "can't write " + std::to_string(vcpu_tid) + " to " + list + ": " + strerror(errno));
	return {};
}

} // namespace decouple
