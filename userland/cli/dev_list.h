/* SPDX-License-Identifier: GPL-2.0-only */
/* What `decouple dev list` shows: PCI functions, and what stands between them and user space. */
#ifndef DECOUPLE_CLI_DEV_LIST_H
#define DECOUPLE_CLI_DEV_LIST_H

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

#include "dev/binding.h"

namespace decouple::cli
{

struct FunctionFacts {
	PciFunction function;
	std::string class_name, vendor_name, device_name;
	std::vector<std::string> others; /* in its IOMMU group */
	std::string use; /* in_use(), or who has it open by VFIO */
	bool ours = false; /* bound by us */
};

/* all: also bridges and functions of the chipset. */
std::vector<FunctionFacts> read_function_facts(const Tree &tree, const BoundState &bound, bool all);

nlohmann::ordered_json function_json(const FunctionFacts &facts);
void print_function_table(const std::vector<FunctionFacts> &all);

} // namespace decouple::cli

#endif
