// SPDX-License-Identifier: GPL-2.0-only
// Counters of a memory cgroup, or a sum over fields of /proc/meminfo.

#include "meminfo.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

namespace decouple::bench
{

namespace
{

double machine_kib()
{
	static constexpr std::array fields = {"Slab:", "KernelStack:", "PageTables:", "SecPageTables:", "VmallocUsed:"};
	// Folds what each CPU still has for itself into the sums; for root only, and a matter of precision.
	std::ifstream("/proc/sys/vm/stat_refresh").get();
	std::ifstream file("/proc/meminfo");
	double sum = 0, kib;
	for (std::string field; file >> field; file.ignore(std::numeric_limits<std::streamsize>::max(), '\n'))
		if (std::find(fields.begin(), fields.end(), field) != fields.end() && file >> kib)
			sum += kib;
	return sum;
}

// v1: the only number; v2: the one behind the word `kernel`. Negative: not there.
double group_bytes(const std::string &path)
{
	std::ifstream file(path);
	double bytes;
	if (file >> bytes)
		return bytes;
	file.clear();
	file.seekg(0);
	for (std::string word; file >> word;)
		if (word == "kernel" && file >> bytes)
			return bytes;
	return -1;
}

constexpr std::string_view group_name = "decouple-bench-"; // and the process id

// Groups of benches that were killed. One that still has processes can't be removed.
void remove_orphans(const std::string &parent)
{
	std::unique_ptr<DIR, int (*)(DIR *)> dir(opendir(parent.c_str()), closedir);
	while (const dirent *entry = dir ? readdir(dir.get()) : nullptr) {
		std::string_view name = entry->d_name;
		if (!name.starts_with(group_name))
			continue;
		pid_t owner = std::atoi(entry->d_name + group_name.size());
		if (owner > 0 && kill(owner, 0) && errno == ESRCH)
			rmdir((parent + "/" + entry->d_name).c_str());
	}
}

} // namespace

bool KernelMemory::use(const std::string &parent, const char *file)
{
	remove_orphans(parent);
	std::string group = parent + "/" + std::string(group_name) + std::to_string(getpid());
	if (mkdir(group.c_str(), 0755))
		return false;
	group_ = group;
	file_ = group + "/" + file;
	if (group_bytes(file_) >= 0)
		return true;
	rmdir(group.c_str());
	group_.clear();
	return false;
}

// Lines are "ID:CONTROLLERS:PATH"; v2 has ID 0 and no controllers.
KernelMemory::KernelMemory()
{
	std::ifstream file("/proc/self/cgroup");
	for (std::string line; group_.empty() && std::getline(file, line);) {
		size_t colon = line.rfind(':');
		if (line.find(":memory:") != line.npos)
			use("/sys/fs/cgroup/memory" + line.substr(colon + 1), "memory.kmem.usage_in_bytes");
		else if (line.starts_with("0::"))
			use("/sys/fs/cgroup" + line.substr(3), "memory.stat");
	}
}

KernelMemory::~KernelMemory()
{
	// A process that has ended leaves its group a moment later.
	for (int tries = 0; !group_.empty() && rmdir(group_.c_str()) && tries < 100; tries++) {
		timespec pause = {0, 10'000'000};
		nanosleep(&pause, nullptr);
	}
}

void KernelMemory::watch(pid_t pid)
{
	if (!group_.empty())
		std::ofstream(group_ + "/cgroup.procs") << pid;
}

double KernelMemory::kib() const
{
	return group_.empty() ? machine_kib() : group_bytes(file_) / 1024;
}

std::string KernelMemory::source() const
{
	return group_.empty() ? "from /proc/meminfo: Slab, KernelStack, PageTables, SecPageTables and VmallocUsed of the whole "
				"machine, as "
				"no memory cgroup could be made"
			      : "counted by the kernel in a memory cgroup of the process";
}

} // namespace decouple::bench
