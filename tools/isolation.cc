// SPDX-License-Identifier: GPL-2.0-only
// Isolation facts and per-core counters, from procfs, sysfs and one MSR.

#include "isolation.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace decouple::noise
{

namespace
{

std::string first_line(const std::string &path)
{
	std::string line;
	std::ifstream file(path);
	std::getline(file, line);
	// "(null)": what Linux prints for a list that was never allocated.
	return line == "(null)" ? "" : line;
}

std::string parameter(const std::string &command_line, const std::string &name)
{
	std::istringstream words(command_line);
	for (std::string word; words >> word;)
		if (word.starts_with(name + "="))
			return word.substr(name.size() + 1);
	return "";
}

// Of the first processor; the others have the same.
bool has_flag(const std::string &flag)
{
	std::ifstream file("/proc/cpuinfo");
	for (std::string line; std::getline(file, line);)
		if (line.starts_with("flags"))
			return (line + " ").find(" " + flag + " ") != std::string::npos;
	return false;
}

constexpr off_t msr_smi_count = 0x34; // SDM 4, table 2-2; Intel only

std::optional<uint64_t> smi_count(int core, std::string &why)
{
	const std::string path = "/dev/cpu/" + std::to_string(core) + "/msr";
	int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		why = path + ": " + std::strerror(errno) + (errno == ENOENT ? "; modprobe msr" : "");
		return {};
	}
	uint64_t value = 0;
	ssize_t got = pread(fd, &value, sizeof value, msr_smi_count);
	close(fd);
	if (got == sizeof value)
		return value;
	why = "this CPU has no MSR 0x34 (Intel has)";
	return {};
}

std::optional<double> steal_ns(int core)
{
	std::ifstream file("/proc/stat");
	for (std::string line; std::getline(file, line);) {
		std::istringstream fields(line);
		std::string name;
		fields >> name;
		if (name != "cpu" + std::to_string(core))
			continue;
		double value = 0;
		// user nice system idle iowait irq softirq steal
		for (int i = 0; i < 8; i++)
			fields >> value;
		if (fields)
			return value * 1e9 / double(sysconf(_SC_CLK_TCK));
	}
	return {};
}

// The first line names the processors that are online; one column each.
std::map<std::string, uint64_t> interrupts(int core)
{
	std::map<std::string, uint64_t> counts;
	std::ifstream file("/proc/interrupts");
	std::string line, word;
	std::getline(file, line);
	std::istringstream heads(line);
	size_t columns = 0, column = ~size_t(0);
	for (; heads >> word; columns++)
		if (word == "CPU" + std::to_string(core))
			column = columns;
	if (column == ~size_t(0))
		return counts;
	while (std::getline(file, line)) {
		std::istringstream fields(line);
		std::string name, rest;
		uint64_t value = 0;
		fields >> name;
		for (size_t i = 0; i <= column && fields; i++)
			fields >> value;
		if (!fields || name.empty())
			continue;
		name.pop_back(); // the colon
		// A device's interrupt is better known by the device: the last word of the line.
		if (name.find_first_not_of("0123456789") == name.npos)
			name = "IRQ " + name + " " + line.substr(line.find_last_of(" \t") + 1);
		counts[name] = value;
	}
	return counts;
}

} // namespace

Isolation read_isolation(int core)
{
	Isolation facts;
	facts.command_line = first_line("/proc/cmdline");
	facts.nohz_full = first_line("/sys/devices/system/cpu/nohz_full");
	facts.isolated = first_line("/sys/devices/system/cpu/isolated");
	facts.rcu_nocbs = parameter(facts.command_line, "rcu_nocbs");
	facts.hush = first_line("/sys/kernel/decouple/hush");
	facts.governor = first_line("/sys/devices/system/cpu/cpu" + std::to_string(core) + "/cpufreq/scaling_governor");
	facts.invariant_tsc = has_flag("constant_tsc") && has_flag("nonstop_tsc");
	facts.virtual_machine = has_flag("hypervisor");
	return facts;
}

CoreCounters read_counters(int core, std::string &why_no_smi)
{
	why_no_smi.clear();
	return {.smi = smi_count(core, why_no_smi), .steal_ns = steal_ns(core), .interrupts = interrupts(core)};
}

CoreCounters counted_since(const CoreCounters &before, const CoreCounters &now)
{
	CoreCounters added;
	if (before.smi && now.smi)
		added.smi = *now.smi - *before.smi;
	if (before.steal_ns && now.steal_ns)
		added.steal_ns = *now.steal_ns - *before.steal_ns;
	for (const auto &[name, count] : now.interrupts) {
		auto known = before.interrupts.find(name);
		const uint64_t from = known == before.interrupts.end() ? 0 : known->second;
		if (count > from)
			added.interrupts[name] = count - from;
	}
	return added;
}

void add_counters(CoreCounters &sum, const CoreCounters &more)
{
	if (more.smi)
		sum.smi = sum.smi.value_or(0) + *more.smi;
	if (more.steal_ns)
		sum.steal_ns = sum.steal_ns.value_or(0) + *more.steal_ns;
	for (const auto &[name, count] : more.interrupts)
		sum.interrupts[name] += count;
}

} // namespace decouple::noise
