/* SPDX-License-Identifier: GPL-2.0-only */
/* The list of PCI functions; see dev_list.h. */
#include "cli/dev_list.h"
#include "cli/pci_names.h"

#include <cstdio>

namespace decouple::cli
{
namespace
{

std::string hexadecimal(unsigned number, int digits)
{
	char text[16];
	std::snprintf(text, sizeof(text), "%0*x", digits, number);
	return text;
}

/* Verbs devices, network links and disks, or what they are used for. */
std::string belongings(const PciFunction &function)
{
	std::string line;
	for (const auto *names : {&function.verbs, &function.networks, &function.disks})
		for (const std::string &name : *names)
			line += (line.empty() ? "" : " ") + name;
	return line;
}

} // namespace

std::vector<FunctionFacts> read_function_facts(const Tree &tree, const BoundState &bound, bool all)
{
	const PciNames names;
	std::vector<FunctionFacts> list;
	for (PciFunction &function : all_functions(tree)) {
		if (!all && !matters(function))
			continue;
		FunctionFacts facts;
		facts.class_name = names.pci_class(function);
		facts.vendor_name = names.vendor(function);
		facts.device_name = names.device(function);
		if (!function.group.empty())
			for (const std::string &address : group_members(tree, function.group))
				if (address != function.address)
					facts.others.push_back(address);
		facts.use = function.driver == vfio_driver ? vfio_user(tree, function.directory()) : in_use(tree, function);
		facts.ours = bound.functions.count(function.address);
		facts.function = std::move(function);
		list.push_back(std::move(facts));
	}
	return list;
}

nlohmann::ordered_json function_json(const FunctionFacts &facts)
{
	const PciFunction &function = facts.function;
	return {{"address", function.address},
		{"class", hexadecimal(function.pci_class, 6)},
		{"class_name", facts.class_name},
		{"vendor", hexadecimal(function.vendor, 4)},
		{"vendor_name", facts.vendor_name},
		{"device", hexadecimal(function.device, 4)},
		{"device_name", facts.device_name},
		{"driver", function.driver},
		{"iommu_group", function.group},
		{"group_others", facts.others},
		{"numa_node", function.node},
		{"vfs", function.vfs},
		{"vfs_total", function.vfs_total},
		{"physical_function", function.physical},
		{"verbs", function.verbs},
		{"networks", function.networks},
		{"disks", function.disks},
		{"bound", facts.ours},
		{"in_use", facts.use}};
}

void print_function_table(const std::vector<FunctionFacts> &all)
{
	std::printf("%-12s %-10s %5s %4s %5s  %-20s %s\n", "FUNCTION", "DRIVER", "GROUP", "NODE", "VFS", "DEVICES", "WHAT");
	for (const FunctionFacts &facts : all) {
		const PciFunction &function = facts.function;
		const std::string node = function.node < 0 ? "-" : std::to_string(function.node);
		const std::string vfs =
			function.vfs_total ? std::to_string(function.vfs) + "/" + std::to_string(function.vfs_total) : "-";
		const std::string things = belongings(function);
		std::printf("%-12s %-10s %5s %4s %5s  %-20s %s: %s %s\n", function.address.c_str(),
			    function.driver.empty() ? "-" : function.driver.c_str(),
			    function.group.empty() ? "-" : function.group.c_str(), node.c_str(), vfs.c_str(),
			    things.empty() ? "-" : things.c_str(), facts.class_name.c_str(), facts.vendor_name.c_str(),
			    facts.device_name.c_str());
		if (!facts.others.empty()) {
			std::string others;
			for (const std::string &address : facts.others)
				others += " " + address;
			std::printf("             in its group:%s\n", others.c_str());
		}
		if (!facts.use.empty())
			std::printf("             in use: %s\n", facts.use.c_str());
	}
}

} // namespace decouple::cli
