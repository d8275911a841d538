/* SPDX-License-Identifier: GPL-2.0-only */
/* See cpuset.h; cgroups(7), proc_pid_mountinfo(5). */
#include "cpuset.h"

#include <unistd.h>

#include <fstream>
#include <sstream>

#include "core_list.h"

namespace decouple
{

/* In a list "a,b,c". */
static bool has(const std::string &list, const std::string &word)
{
	return ("," + list + ",").find("," + word + ",") != std::string::npos;
}

/* Blanks and backslashes come as \ooo. */
static std::string unescape(const std::string &text)
{
	std::string out;
	for (size_t i = 0; i < text.size(); i++) {
		if (text[i] == '\\' && i + 3 < text.size()) {
			out += static_cast<char>(std::stoi(text.substr(i + 1, 3), nullptr, 8));
			i += 3;
		} else {
			out += text[i];
		}
	}
	return out;
}

std::optional<Cpusets> Cpusets::mounted(const std::string &root)
{
	std::ifstream in(root + "/proc/self/mountinfo");
	std::optional<Cpusets> found;
	for (std::string line; std::getline(in, line);) {
		std::istringstream fields(line);
		std::string id, parent, device, subtree, place, word, type, source, options;
		fields >> id >> parent >> device >> subtree >> place;
		while (fields >> word && word != "-")
			;
		fields >> type >> source >> options;
		bool v1 = type == "cgroup" && has(options, "cpuset");
		if (!v1 && (type != "cgroup2" || found))
			continue;
		Cpusets c;
		c.root_ = root;
		c.mount_point_ = root + unescape(place);
		c.mounted_ = unescape(subtree);
		c.v1_ = v1;
		found = c;
		if (v1)
			break; /* v2 has none then */
	}
	return found;
}

std::string Cpusets::cgroup_of(pid_t pid) const
{
	std::ifstream in(root_ + "/proc/" + std::to_string(pid) + "/cgroup");
	for (std::string line; std::getline(in, line);) {
		size_t first = line.find(':'), second = line.find(':', first + 1);
		if (first == std::string::npos || second == std::string::npos)
			continue;
		std::string controllers = line.substr(first + 1, second - first - 1);
		if (v1_ ? has(controllers, "cpuset") : controllers.empty())
			return line.substr(second + 1);
	}
	return "";
}

std::string Cpusets::directory(const std::string &cgroup) const
{
	std::string rest = cgroup;
	if (mounted_ != "/") {
		if (!(cgroup + "/").starts_with(mounted_ + "/"))
			return "";
		rest = cgroup.substr(mounted_.size());
	}
	if (rest.starts_with("/..")) /* outside of our cgroup namespace */
		return "";
	return mount_point_ + (rest == "/" ? "" : rest);
}

std::vector<int> Cpusets::cores_of(pid_t pid) const
{
	std::string at = directory(cgroup_of(pid));
	/* A cgroup of v2 without the controller has the cpuset of the next one above it that has. */
	while (at.size() >= mount_point_.size() && !at.empty()) {
		for (const char *name : {"/cpuset.cpus.effective", "/cpuset.effective_cpus"})
			if (access((at + name).c_str(), F_OK) == 0)
				return read_core_list(at + name);
		size_t slash = at.rfind('/');
		if (slash == std::string::npos)
			break;
		at.resize(slash);
	}
	return {};
}

} // namespace decouple
