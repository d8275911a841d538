/* SPDX-License-Identifier: GPL-2.0-only */
/* PCI functions as sysfs shows them: what they are, whose they are, what they belong to. */
#ifndef DECOUPLE_DEV_FUNCTION_H
#define DECOUPLE_DEV_FUNCTION_H

#include <string>
#include <vector>

#include "reserve/driver.h"

namespace decouple
{

struct PciFunction {
	std::string address; /* 0000:03:00.0 */
	unsigned pci_class = 0; /* 0x010802: base class, subclass, interface */
	unsigned vendor = 0, device = 0;
	std::string driver; /* empty: none */
	std::string group; /* of the IOMMU; empty: there is no IOMMU */
	int node = -1; /* NUMA; -1: the machine doesn't tell */
	unsigned vfs_total = 0, vfs = 0; /* SR-IOV: possible and made */
	std::string physical; /* of a virtual function: the address of the one that it is of */
	std::vector<std::string> disks, networks, verbs; /* nvme0n1; eth0; mlx5_0 and uverbs0 */

	std::string directory() const { return pci_devices + address; }
	bool is_bridge() const { return pci_class >> 16 == 6; }
};

/* "3:0.1" and the like are not taken. nullopt: not an address; without a domain it is that of domain 0. */
std::optional<std::string> parse_pci_address(const std::string &text);

/* Error ENOENT: there is none. */
Result<PciFunction> read_function(const Tree &tree, const std::string &address);
std::vector<PciFunction> all_functions(const Tree &tree);

/* Not a bridge, and not one of the chipset's own for which there is no use: memory, timers, interrupt and bus controllers. */
bool matters(const PciFunction &function);

/* Addresses of all functions of an IOMMU group. */
std::vector<std::string> group_members(const Tree &tree, const std::string &group);

/* Functions that were made of this one, in their order. */
std::vector<std::string> virtual_functions(const Tree &tree, const PciFunction &function);

/* Why Linux can't do without it: "disk nvme0n1 is mounted on /"; empty: it can. */
std::string in_use(const Tree &tree, const PciFunction &function);

} // namespace decouple

#endif
