/* SPDX-License-Identifier: GPL-2.0-only */
/* Files and affinities; see tree.h. */
#include "reserve/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace decouple
{
namespace
{

constexpr int core_limit = 8192; /* CONFIG_NR_CPUS of the largest x86 kernels */

bool number_before(const std::string &a, const std::string &b)
{
	const bool numbers = !a.empty() && !b.empty() && isdigit(a[0]) && isdigit(b[0]);
	return numbers && a.size() != b.size() ? a.size() < b.size() : a < b;
}

struct CpuSetFree {
	void operator()(cpu_set_t *set) const { CPU_FREE(set); }
};
using CpuSetPointer = std::unique_ptr<cpu_set_t, CpuSetFree>;

} // namespace

bool Tree::exists(const std::string &path) const
{
	return !access(at(path).c_str(), F_OK);
}

std::optional<std::string> Tree::read(const std::string &path) const
{
	const int fd = open(at(path).c_str(), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return std::nullopt;
	std::string bytes;
	char buffer[4096];
	ssize_t n;
	while ((n = ::read(fd, buffer, sizeof(buffer))) > 0)
		bytes.append(buffer, static_cast<size_t>(n));
	close(fd);
	if (n < 0)
		return std::nullopt;
	return bytes;
}

std::vector<std::string> Tree::entries(const std::string &path) const
{
	std::vector<std::string> names;
	DIR *directory = opendir(at(path).c_str());
	if (!directory)
		return names;
	while (const dirent *entry = readdir(directory))
		if (entry->d_name[0] != '.')
			names.push_back(entry->d_name);
	closedir(directory);
	std::sort(names.begin(), names.end(), number_before);
	return names;
}

std::vector<std::string> Tree::directories(const std::string &path) const
{
	std::vector<std::string> names;
	for (const std::string &name : entries(path)) {
		struct stat status;
		if (!stat((at(path) + "/" + name).c_str(), &status) && S_ISDIR(status.st_mode))
			names.push_back(name);
	}
	return names;
}

std::string Tree::resolved(const std::string &path) const
{
	char *real = realpath(at(path).c_str(), nullptr);
	std::string target = real ? real : "";
	free(real);
	char *root = realpath(at("/").c_str(), nullptr);
	const std::string prefix = root && std::string(root) != "/" ? root : "";
	free(root);
	return !target.empty() && target.starts_with(prefix) ? target.substr(prefix.size()) : path;
}

Result<> Tree::write(const std::string &path, const std::string &bytes)
{
	const int fd = open(at(path).c_str(), O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(errno, std::strerror(errno));
	const ssize_t n = ::write(fd, bytes.data(), bytes.size());
	const int error = n < 0 ? errno : n != static_cast<ssize_t>(bytes.size()) ? EIO : 0;
	close(fd);
	if (error)
		return fail(error, std::strerror(error));
	return {};
}

Result<> Tree::make_directory(const std::string &path)
{
	if (mkdir(at(path).c_str(), 0755))
		return fail(errno, std::strerror(errno));
	return {};
}

Result<> Tree::remove_directory(const std::string &path)
{
	if (rmdir(at(path).c_str()))
		return fail(errno, std::strerror(errno));
	return {};
}

Result<CoreSet> Tree::affinity(pid_t tid) const
{
	const CpuSetPointer set(CPU_ALLOC(core_limit));
	const size_t size = CPU_ALLOC_SIZE(core_limit);
	CPU_ZERO_S(size, set.get());
	if (sched_getaffinity(tid, size, set.get()))
		return fail(errno, std::strerror(errno));
	CoreSet cores;
	for (int core = 0, left = CPU_COUNT_S(size, set.get()); left; core++) {
		if (CPU_ISSET_S(core, size, set.get())) {
			cores.insert(core);
			left--;
		}
	}
	return cores;
}

Result<> Tree::set_affinity(pid_t tid, const CoreSet &cores)
{
	const CpuSetPointer set(CPU_ALLOC(core_limit));
	const size_t size = CPU_ALLOC_SIZE(core_limit);
	CPU_ZERO_S(size, set.get());
	for (int core : cores)
		CPU_SET_S(core, size, set.get());
	if (sched_setaffinity(tid, size, set.get()))
		return fail(errno, std::strerror(errno));
	return {};
}

} // namespace decouple
