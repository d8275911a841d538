/* SPDX-License-Identifier: GPL-2.0-only */
/* What of Linux stands on a function: in_use() of function.h. */
#include <cstdlib>
#include <sstream>

#include "dev/function.h"

namespace decouple
{
namespace
{

struct Mount {
	std::string number, source, place; /* 259:1, /dev/nvme0n1p1, /home */
};

/* proc(5): id, parent, major:minor, root, mount point, options, optional fields up to "-", type, source. */
std::vector<Mount> read_mounts(const Tree &tree)
{
	std::vector<Mount> mounts;
	std::istringstream lines(tree.read("/proc/self/mountinfo").value_or(""));
	for (std::string line; std::getline(lines, line);) {
		std::istringstream fields(line);
		std::string skipped, word, type;
		Mount mount;
		fields >> skipped >> skipped >> mount.number >> skipped >> mount.place;
		while (fields >> word && word != "-")
			;
		fields >> type >> mount.source;
		mounts.push_back(std::move(mount));
	}
	return mounts;
}

bool is_swap(const Tree &tree, const std::string &name)
{
	std::istringstream lines(tree.read("/proc/swaps").value_or(""));
	for (std::string line; std::getline(lines, line);)
		if (line.starts_with("/dev/" + name + " ") || line.starts_with("/dev/" + name + "\t"))
			return true;
	return false;
}

/* directory: /sys/block/NAME or that of a partition in it. */
std::string disk_use(const Tree &tree, const std::string &directory, const std::vector<Mount> &mounts)
{
	const std::string name = directory.substr(directory.rfind('/') + 1);
	const std::string number = trimmed(tree.read(directory + "/dev").value_or(""));
	for (const Mount &mount : mounts)
		if ((!number.empty() && mount.number == number) || mount.source == "/dev/" + name)
			return "disk " + name + " is mounted on " + mount.place + ": umount it";
	if (is_swap(tree, name))
		return "disk " + name + " is swap: swapoff /dev/" + name;
	if (const auto holders = tree.entries(directory + "/holders"); !holders.empty())
		return "disk " + name + " is part of " + holders[0] + " (dm, md): take that apart";
	return "";
}

/* Of a path of NVMe multipath, nvme0c1n2, the disk that Linux uses: nvme0n2. */
std::string whole_disk(const std::string &name)
{
	const size_t path = name.starts_with("nvme") ? name.find('c') : std::string::npos, space = name.rfind('n');
	return path == std::string::npos || space < path ? name : name.substr(0, path) + name.substr(space);
}

} // namespace

std::string in_use(const Tree &tree, const PciFunction &function)
{
	constexpr unsigned long up = 1; /* IFF_UP */
	const std::vector<Mount> mounts = function.disks.empty() ? std::vector<Mount>() : read_mounts(tree);
	for (const std::string &name : function.disks) {
		const std::string disk = whole_disk(name);
		const std::string directory = "/sys/block/" + disk;
		if (std::string use = disk_use(tree, directory, mounts); !use.empty())
			return use;
		for (const std::string &part : tree.directories(directory))
			if (part.starts_with(disk))
				if (std::string use = disk_use(tree, directory + "/" + part, mounts); !use.empty())
					return use;
	}
	for (const std::string &name : function.networks) {
		const std::string flags = tree.read("/sys/class/net/" + name + "/flags").value_or("0");
		if (std::strtoul(flags.c_str(), nullptr, 16) & up)
			return "network link " + name + " is up: ip link set " + name + " down";
	}
	return "";
}

} // namespace decouple
