/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading sysfs; see function.h. */
#include "dev/function.h"

#include <algorithm>
#include <cstdlib>

namespace decouple
{
namespace
{

unsigned number(const Tree &tree, const std::string &path, unsigned otherwise = 0)
{
	auto text = tree.read(path);
	return text ? static_cast<unsigned>(std::strtoul(text->c_str(), nullptr, 0)) : otherwise;
}

/* Names in a class of /sys whose devices are this function, or lie below it. */
std::vector<std::string> of_class(const Tree &tree, const std::string &path, const std::string &function)
{
	const std::string below = tree.resolved(function) + "/";
	std::vector<std::string> names;
	for (const std::string &name : tree.entries(path))
		if (tree.resolved(path + "/" + name).starts_with(below))
			names.push_back(name);
	return names;
}

bool is_hex(const std::string &text)
{
	return !text.empty() && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

} // namespace

std::optional<std::string> parse_pci_address(const std::string &text)
{
	std::string address = text;
	std::transform(address.begin(), address.end(), address.begin(), [](unsigned char c) { return std::tolower(c); });
	if (std::count(address.begin(), address.end(), ':') == 1)
		address = "0000:" + address;
	/* DDDD:BB:DD.F; domains of some machines have more digits. */
	const size_t first = address.find(':'), dot = address.rfind('.');
	if (first == std::string::npos || first < 4 || first > 8 || address.size() != first + 8 || address[first + 3] != ':' ||
	    dot != first + 6)
		return std::nullopt;
	const std::string function = address.substr(dot + 1);
	if (!is_hex(address.substr(0, first)) || !is_hex(address.substr(first + 1, 2)) ||
	    !is_hex(address.substr(first + 4, 2)) || function < "0" || function > "7")
		return std::nullopt;
	return address;
}

Result<PciFunction> read_function(const Tree &tree, const std::string &address)
{
	PciFunction function;
	function.address = address;
	const std::string directory = function.directory();
	if (!tree.exists(directory + "/vendor"))
		return fail(ENOENT, address + ": there is no such PCI function; `decouple dev` lists them");
	function.pci_class = number(tree, directory + "/class");
	function.vendor = number(tree, directory + "/vendor");
	function.device = number(tree, directory + "/device");
	function.driver = driver_of(tree, directory);
	function.group = link_name(tree, directory, "iommu_group");
	function.node = static_cast<int>(number(tree, directory + "/numa_node", ~0u));
	function.vfs_total = number(tree, directory + "/sriov_totalvfs");
	function.vfs = number(tree, directory + "/sriov_numvfs");
	function.physical = link_name(tree, directory, "physfn");
	function.disks = of_class(tree, "/sys/block", directory);
	function.networks = of_class(tree, "/sys/class/net", directory);
	for (const char *path : {"/sys/class/infiniband", "/sys/class/infiniband_verbs"})
		for (const std::string &name : of_class(tree, path, directory))
			function.verbs.push_back(name);
	return function;
}

std::vector<PciFunction> all_functions(const Tree &tree)
{
	std::vector<PciFunction> functions;
	for (const std::string &address : tree.entries(pci_devices))
		if (auto function = read_function(tree, address))
			functions.push_back(std::move(*function));
	return functions;
}

bool matters(const PciFunction &function)
{
	constexpr unsigned memory = 0x05, bridge = 0x06, system = 0x08, smbus = 0x0c05;
	const unsigned base = function.pci_class >> 16;
	return base != memory && base != bridge && base != system && function.pci_class >> 8 != smbus;
}

std::vector<std::string> group_members(const Tree &tree, const std::string &group)
{
	return tree.entries("/sys/kernel/iommu_groups/" + group + "/devices");
}

std::vector<std::string> virtual_functions(const Tree &tree, const PciFunction &function)
{
	std::vector<std::string> addresses;
	for (unsigned i = 0; i < function.vfs; i++)
		if (std::string address = link_name(tree, function.directory(), "virtfn" + std::to_string(i)); !address.empty())
			addresses.push_back(std::move(address));
	return addresses;
}

} // namespace decouple
