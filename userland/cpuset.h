/* SPDX-License-Identifier: GPL-2.0-only */
/* The cgroup hierarchy that has the cpusets, as it is mounted here, and the cpuset of a process. */
#ifndef DECOUPLE_USERLAND_CPUSET_H
#define DECOUPLE_USERLAND_CPUSET_H

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace decouple
{

class Cpusets
{
public:
	/* None: no hierarchy with cpusets is mounted. `root`: in front of all paths, for tests. */
	static std::optional<Cpusets> mounted(const std::string &root = "");

	/* cgroup v1, where each thread is put by itself; else v2. */
	bool v1() const { return v1_; }
	/* The cgroup that the mount point shows: "/", but for containers without a cgroup namespace. */
	const std::string &top() const { return mounted_; }

	/* The process's cgroup: a path as in /proc/PID/cgroup; empty: not known. */
	std::string cgroup_of(pid_t pid) const;
	/* The directory of a cgroup; empty: it is not below what is mounted. */
	std::string directory(const std::string &cgroup) const;
	/* Where the process's cpuset lets it run now; empty: not known. */
	std::vector<int> cores_of(pid_t pid) const;

private:
	std::string root_, mount_point_, mounted_;
	bool v1_ = false;
};

} // namespace decouple

#endif
