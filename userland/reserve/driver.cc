/* SPDX-License-Identifier: GPL-2.0-only */
/* Drivers of PCI functions; see driver.h. */
#include "reserve/driver.h"

#include <unistd.h>

namespace decouple
{
namespace
{

std::string address_of(const std::string &function)
{
	return function.substr(function.rfind('/') + 1);
}

std::string link_text(const Tree &tree, const std::string &path)
{
	char target[4096];
	const ssize_t n = readlink(tree.at(path).c_str(), target, sizeof(target));
	return n < 0 ? "" : std::string(target, static_cast<size_t>(n));
}

} // namespace

std::string link_name(const Tree &tree, const std::string &directory, const std::string &name)
{
	const std::string target = link_text(tree, directory + "/" + name);
	return target.substr(target.rfind('/') + 1);
}

std::string vfio_user(const Tree &tree, const std::string &function)
{
	const std::string group = link_name(tree, function, "iommu_group");
	if (group.empty())
		return "";
	for (const std::string &pid : tree.entries("/proc")) {
		if (!isdigit(pid[0]))
			continue;
		const std::string files = "/proc/" + pid + "/fd";
		for (const std::string &fd : tree.entries(files)) {
			const std::string target = link_text(tree, files + "/" + fd);
			if (target == "/dev/vfio/" + group)
				return "process " + pid + " (" + trimmed(tree.read("/proc/" + pid + "/comm").value_or("?")) +
				       ")";
		}
	}
	return "";
}

Result<> set_driver(Tree &tree, const std::string &function, const std::string &driver)
{
	const std::string now = driver_of(tree, function), address = address_of(function);
	if (now == driver)
		return {};
	if (!driver.empty() && !tree.exists(pci_drivers + driver))
		return fail(ENODEV, "there is no driver " + driver + ": modprobe " + driver);
	if (now == vfio_driver)
		if (const std::string user = vfio_user(tree, function); !user.empty())
			return fail(EBUSY, user + " has it open");
	if (!now.empty())
		if (auto unbound = tree.write(pci_drivers + now + "/unbind", address);
		    !unbound && driver_of(tree, function) == now)
			return fail(unbound.error().code, "unbind from " + now + ": " + unbound.error().what);
	if (driver.empty())
		return {};
	if (auto bound = tree.write(pci_drivers + driver + "/bind", address); !bound && driver_of(tree, function) != driver)
		return fail(bound.error().code, "bind to " + driver + ": " + bound.error().what);
	if (const std::string got = driver_of(tree, function); got != driver)
		return fail(ENODEV, "bound to " + driver + ", but has " + (got.empty() ? "no driver" : got));
	return {};
}

} // namespace decouple
