/* SPDX-License-Identifier: GPL-2.0-only */
/* Binding and unbinding; see binding.h. */
#include "dev/binding.h"

#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "reserve/signals_held.h"

namespace decouple
{
namespace
{

std::string joined(const std::vector<std::string> &words)
{
	std::string line;
	for (const std::string &word : words)
		line += (line.empty() ? "" : " ") + word;
	return line;
}

std::string override_path(const std::string &address)
{
	return pci_devices + address + "/driver_override";
}

/* Functions whose driver does no DMA of its own: VFIO lets them be in the group (vfio_dev_viable() of the kernel). */
bool harmless(const PciFunction &function)
{
	return function.driver.empty() || function.driver == vfio_driver || function.driver == "pcieport" ||
	       function.driver == "pci-stub";
}

std::string named(const PciFunction &function)
{
	return function.address + (function.driver.empty() ? "" : " (" + function.driver + ")");
}

} // namespace

Step override_step(const std::string &address, const std::string &from, const std::string &to)
{
	Step step = value_step(override_path(address), from, to, "driver override of " + address);
	step.text = to == no_override ? "\n" : to;
	step.undo_text = from == no_override ? "\n" : from;
	return step;
}

Result<Binding> Binding::open(Tree &tree, bool change)
{
	if (change && geteuid() != 0)
		return fail(EPERM, "PCI functions are bound and unbound by root only");
	Binding binding(tree, TRY(Journal::open(tree, "devices", change)));
	JournalContents contents =
		TRY(binding.journal_.load([&](const nlohmann::json &line) { take_line(binding.state_, line); }));
	const SignalsHeld held;
	if (!contents.steps.empty() || !contents.operation.empty())
		binding.repair(contents);
	else if (!contents.of_another_boot && !contents.torn)
		return binding;
	TRY(binding.journal_.condense(lines_of(binding.state_)));
	return binding;
}

void Binding::drop(const std::vector<std::string> &addresses)
{
	for (const std::string &address : addresses) {
		state_.functions.erase(address);
		state_.made.erase(address);
		std::erase_if(state_.functions, [&](const auto &entry) { return entry.second.physical == address; });
	}
}

void Binding::repair(const JournalContents &contents)
{
	std::istringstream words(contents.operation);
	std::string verb;
	words >> verb;
	if (verb != "unbind") {
		repaired_.push_back("`" + contents.operation + "` was not finished (killed?): undone");
		for (const std::string &line : undo_steps(tree_, contents.steps))
			repaired_.push_back("not undone: " + line);
		return;
	}
	repaired_.push_back("`" + contents.operation + "` was not finished (killed?): done now");
	for (const Step &step : contents.steps)
		if (auto done = do_step(tree_, step); !done)
			repaired_.push_back("not done: " + step.what + " (" + step.path + "): " + done.error().what);
	std::vector<std::string> addresses;
	for (std::string address; words >> address;)
		addresses.push_back(address);
	drop(addresses);
}

Result<PciFunction> Binding::bindable(const std::string &address) const
{
	PciFunction function = TRY(read_function(tree_, address));
	if (function.is_bridge())
		return fail(EINVAL, address + ": a bridge, which vfio-pci does not take");
	if (function.group.empty())
		return fail(ENODEV,
			    address +
				    ": in no IOMMU group, for this machine has no IOMMU in use: switch it on in the firmware, "
				    "and with intel_iommu=on or amd_iommu=on on the kernel's command line");
	if (!tree_.exists(std::string(pci_drivers) + vfio_driver))
		return fail(ENODEV, address + ": the kernel has no vfio-pci: modprobe vfio-pci");
	if (state_.functions.count(address))
		return fail(EEXIST, address + ": bound already");
	if (function.driver == vfio_driver)
		return fail(EEXIST, address + ": bound to vfio-pci already, and not by us");
	if (function.vfs)
		return fail(EBUSY, address + ": it has " + std::to_string(function.vfs) +
					   " virtual functions: bind those, or remove them (sriov_numvfs)");
	if (const std::string use = in_use(tree_, function); !use.empty())
		return fail(EBUSY, address + ": " + use + " first");
	return function;
}

Result<> Binding::check_groups(const std::vector<PciFunction> &functions) const
{
	std::vector<std::string> missing;
	for (const PciFunction &function : functions) {
		for (const std::string &address : group_members(tree_, function.group)) {
			auto member = read_function(tree_, address);
			const bool wanted = std::any_of(functions.begin(), functions.end(),
							[&](const PciFunction &other) { return other.address == address; });
			if (member && !wanted && !harmless(*member))
				missing.push_back(named(*member));
		}
		if (!missing.empty())
			return fail(EBUSY, function.address + ": its IOMMU group " + function.group +
						   " has other functions with drivers: " + joined(missing) +
						   "; VFIO takes a group as a whole: bind them together, or unbind them");
	}
	return {};
}

std::vector<Step> Binding::bind_steps(const PciFunction &function) const
{
	std::vector<Step> steps;
	const std::string directory = function.directory();
	if (!function.driver.empty())
		steps.push_back(driver_step(directory, function.driver, ""));
	steps.push_back(override_step(function.address, tree_.read(override_path(function.address)).value_or(no_override),
				      std::string(vfio_driver) + "\n"));
	steps.push_back(driver_step(directory, "", vfio_driver));
	return steps;
}

Result<> Binding::make(const std::vector<Step> &steps)
{
	for (const Step &step : steps)
		if (auto done = do_step(tree_, step); !done)
			return fail(done.error().code, step.what + ": " + step.path +
							       (step.text.empty() ? "" : " <- `" + trimmed(step.text) + "`") +
							       ": " + done.error().what);
	return {};
}

Result<> Binding::undone(const std::vector<Step> &steps, Error error)
{
	const auto left = undo_steps(tree_, steps);
	error.what += left.empty() ? "; everything was put back" : "; put back but for:";
	for (const std::string &line : left)
		error.what += " " + line + ";";
	if (auto condensed = journal_.condense(lines_of(state_)); !condensed)
		error.what += "; " + condensed.error().what;
	return std::unexpected(std::move(error));
}

Result<BindReport> Binding::bind(const std::vector<std::string> &addresses)
{
	std::vector<PciFunction> functions;
	for (const std::string &address : addresses)
		functions.push_back(TRY(bindable(address)));
	TRY(check_groups(functions));
	const SignalsHeld held;
	std::vector<Step> steps;
	BindReport report;
	BoundState next = state_;
	for (const PciFunction &function : functions) {
		for (Step &step : bind_steps(function))
			steps.push_back(std::move(step));
		next.functions[function.address] = {function.driver,
						    tree_.read(override_path(function.address)).value_or(no_override), ""};
		report.functions.push_back({function.address, function.group, function.driver});
	}
	auto done = journal_.append("bind " + joined(addresses), steps);
	if (done)
		done = make(steps);
	if (!done)
		TRY(undone(steps, std::move(done.error())));
	state_ = std::move(next);
	TRY(journal_.condense(lines_of(state_)));
	return report;
}

Result<BindReport> Binding::bind_virtual(const std::string &address, unsigned count)
{
	const PciFunction physical = TRY(read_function(tree_, address));
	if (!physical.vfs_total)
		return fail(EINVAL, address + ": has no virtual functions (no SR-IOV, or one itself)");
	if (count > physical.vfs_total)
		return fail(EINVAL, address + ": can have " + std::to_string(physical.vfs_total) + " virtual functions, not " +
					    std::to_string(count));
	if (physical.vfs)
		return fail(EEXIST, address + ": has " + std::to_string(physical.vfs) +
					    " virtual functions already: " + joined(virtual_functions(tree_, physical)));
	if (physical.driver.empty())
		return fail(ENOENT, address + ": has no driver, which would make its virtual functions: bind it to its own");
	if (physical.group.empty() || !tree_.exists(std::string(pci_drivers) + vfio_driver))
		TRY(bindable(address)); /* says what is missing */
	const SignalsHeld held;
	const std::string directory = physical.directory(), probe = directory + "/sriov_drivers_autoprobe";
	const std::string probe_was = tree_.read(probe).value_or("1\n");
	/* Without a look of other drivers at them. */
	std::vector<Step> steps = {value_step(probe, probe_was, "0\n", "driver probing of virtual functions of " + address),
				   value_step(directory + "/sriov_numvfs", "0\n", std::to_string(count) + "\n",
					      "virtual functions of " + address)};
	auto done = journal_.append("bind " + address + " --vfs " + std::to_string(count), steps);
	if (done)
		done = make(steps);
	if (!done)
		TRY(undone(steps, std::move(done.error())));
	BindReport report;
	BoundState next = state_;
	next.made[address] = count;
	std::vector<Step> more;
	std::vector<PciFunction> functions;
	for (const std::string &name : virtual_functions(tree_, *read_function(tree_, address))) {
		auto function = bindable(name);
		if (!function)
			TRY(undone(steps, std::move(function.error())));
		for (Step &step : bind_steps(*function))
			more.push_back(std::move(step));
		next.functions[name] = {"", no_override, address};
		report.functions.push_back({name, function->group, ""});
		functions.push_back(std::move(*function));
	}
	more.push_back(value_step(probe, "0\n", probe_was, "driver probing of virtual functions of " + address));
	done = check_groups(functions);
	if (done)
		done = journal_.append("", more);
	steps.insert(steps.end(), more.begin(), more.end());
	if (done)
		done = make(more);
	if (!done)
		TRY(undone(steps, std::move(done.error())));
	state_ = std::move(next);
	TRY(journal_.condense(lines_of(state_)));
	return report;
}

} // namespace decouple
