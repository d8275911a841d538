/* SPDX-License-Identifier: GPL-2.0-only */
/* Binding::unbind(), and the steps of it; see binding.h. */
#include <algorithm>

#include "dev/binding.h"
#include "reserve/signals_held.h"

namespace decouple
{
namespace
{

/* As bind_steps() of binding.cc, backwards. */
std::vector<Step> unbind_steps(const Tree &tree, const std::string &address, const BoundFunction &was)
{
	const std::string directory = pci_devices + address;
	std::vector<Step> steps = {
		driver_step(directory, vfio_driver, ""),
		override_step(address, tree.read(directory + "/driver_override").value_or(""), was.override_was)};
	if (!was.driver.empty())
		steps.push_back(driver_step(directory, "", was.driver));
	return steps;
}

Result<> check_unused(const Tree &tree, const std::string &address)
{
	if (const std::string user = vfio_user(tree, pci_devices + address); !user.empty())
		return fail(EBUSY, address + ": " + user + " has it open: end that first");
	return {};
}

} // namespace

Result<BindReport> Binding::unbind(const std::vector<std::string> &wanted)
{
	std::vector<std::string> addresses = wanted;
	if (wanted.empty()) {
		for (const auto &[address, function] : state_.functions)
			if (function.physical.empty())
				addresses.push_back(address);
		for (const auto &made : state_.made)
			addresses.push_back(made.first);
	}
	BindReport report;
	std::vector<Step> steps;
	std::string operation = "unbind";
	for (const std::string &address : addresses) {
		operation += " " + address;
		if (auto made = state_.made.find(address); made != state_.made.end()) {
			for (const auto &[name, function] : state_.functions)
				if (function.physical == address) {
					TRY(check_unused(tree_, name));
					report.functions.push_back(
						{name, link_name(tree_, pci_devices + name, "iommu_group"), ""});
				}
			/* They go with their drivers. */
			steps.push_back(value_step(pci_devices + address + "/sriov_numvfs", std::to_string(made->second) + "\n",
						   "0\n", "virtual functions of " + address));
			continue;
		}
		auto found = state_.functions.find(address);
		if (found == state_.functions.end())
			return fail(ENOENT, address + ": not bound by `decouple dev bind`");
		if (!found->second.physical.empty())
			return fail(EINVAL, address + ": one of the virtual functions that were made of " +
						    found->second.physical + ": unbind that");
		TRY(check_unused(tree_, address));
		const std::string now = driver_of(tree_, pci_devices + address);
		if (now != vfio_driver && now != found->second.driver && !now.empty()) {
			report.notes.push_back(address + ": has the driver " + now + " by now, not from us: left alone");
			continue;
		}
		for (Step &step : unbind_steps(tree_, address, found->second))
			steps.push_back(std::move(step));
		report.functions.push_back(
			{address, link_name(tree_, pci_devices + address, "iommu_group"), found->second.driver});
	}
	if (addresses.empty())
		return report;
	const SignalsHeld held;
	TRY(journal_.append(operation, steps));
	/* As far as it goes: nothing is gained by giving it to vfio-pci again. */
	for (const Step &step : steps) {
		const bool gone = !tree_.exists(step.path);
		if (auto done = gone ? Result<>() : do_step(tree_, step); !done)
			report.notes.push_back(step.what + " (" + step.path + "): " + done.error().what);
	}
	drop(addresses);
	TRY(journal_.condense(lines_of(state_)));
	return report;
}

} // namespace decouple
