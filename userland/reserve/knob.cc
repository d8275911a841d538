/* SPDX-License-Identifier: GPL-2.0-only */
/* Settings of the kernel; see knob.h. */
#include "reserve/knob.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <sstream>

namespace decouple
{
namespace
{

/* Seconds between two looks of vmstat_update at a core's counters: it wakes the core when they have changed. */
constexpr long stat_interval = 120;
/* Microseconds: what C1 takes on the processors that we know, and no deeper state does. 0 in that file is "no limit". */
constexpr const char *wake_latency = "2\n";

const std::string cpu_directory = "/sys/devices/system/cpu/cpu", queues = "/sys/devices/virtual/workqueue";

long number(const std::string &text)
{
	long value = -1;
	auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
	return error == std::errc() ? value : -1;
}

class Knobs
{
public:
	explicit Knobs(const Tree &tree) : tree_(tree) {}

	void cores(Knob::Kind kind, const std::string &path, const std::string &what, int interrupt = -1)
	{
		Knob knob;
		knob.kind = kind;
		knob.path = path;
		knob.what = what;
		knob.interrupt = interrupt;
		add(knob);
	}
	void word(const std::string &path, const std::string &text, const std::string &what, const CoreSet &cores = {})
	{
		Knob knob;
		knob.path = path;
		knob.word_text = text;
		knob.what = what;
		knob.cores = cores;
		add(knob);
	}
	void workqueues();
	void frequency(int core);
	std::vector<Knob> take() { return std::move(knobs_); }

private:
	void add(const Knob &knob)
	{
		if (tree_.exists(knob.path))
			knobs_.push_back(knob);
	}
	bool offers(const std::string &path, const std::string &word) const
	{
		std::istringstream words(tree_.read(path).value_or(""));
		return std::find(std::istream_iterator<std::string>(words), {}, word) != std::istream_iterator<std::string>();
	}

	const Tree &tree_;
	std::vector<Knob> knobs_;
};

/* Since Linux 6.7 the file shows what is left when isolated partitions are taken off, and another one what was asked for. */
void Knobs::workqueues()
{
	Knob knob;
	knob.kind = Knob::mask;
	knob.path = queues + "/cpumask";
	knob.what = "unbound workqueues";
	if (tree_.exists(queues + "/cpumask_requested")) {
		knob.write_path = knob.path;
		knob.path = queues + "/cpumask_requested";
	}
	add(knob);
	for (const std::string &name : tree_.directories(queues))
		cores(Knob::mask, queues + "/" + name + "/cpumask", "workqueue " + name);
}

/* Cores may share a policy, so it is named by its own directory, once. */
void Knobs::frequency(int core)
{
	const std::string policy = tree_.resolved(cpu_directory + std::to_string(core) + "/cpufreq");
	for (const Knob &knob : knobs_)
		if (knob.path.starts_with(policy + "/"))
			return;
	if (!tree_.exists(policy))
		return;
	std::string members = tree_.read(policy + "/affected_cpus").value_or(""); /* "0 1 2" */
	CoreSet cores = {core};
	std::istringstream in(members);
	for (int member; in >> member;)
		cores.insert(member);
	const std::string name = " of core " + format_list(cores);
	/* First the preference: intel_pstate refuses to change it under the governor "performance". */
	if (offers(policy + "/energy_performance_available_preferences", "performance"))
		word(policy + "/energy_performance_preference", "performance\n", "energy preference" + name, cores);
	if (offers(policy + "/scaling_available_governors", "performance"))
		word(policy + "/scaling_governor", "performance\n", "frequency governor" + name, cores);
}

} // namespace

std::vector<int> all_interrupts(const Tree &tree)
{
	std::vector<int> numbers;
	for (const std::string &name : tree.entries("/proc/irq"))
		if (number(name) >= 0)
			numbers.push_back(static_cast<int>(number(name)));
	return numbers;
}

bool interrupt_in_use(const Tree &tree, int irq)
{
	return !tree.directories("/proc/irq/" + std::to_string(irq)).empty();
}

std::string interrupt_name(const Tree &tree, int irq)
{
	std::string names;
	for (const std::string &name : tree.directories("/proc/irq/" + std::to_string(irq)))
		names += (names.empty() ? "" : ",") + name;
	return std::to_string(irq) + (names.empty() ? "" : " (" + names + ")");
}

CoreSet interrupt_cores(const Tree &tree, int irq)
{
	const std::string directory = "/proc/irq/" + std::to_string(irq);
	auto effective = tree.read(directory + "/effective_affinity");
	if (!effective)
		effective = tree.read(directory + "/smp_affinity");
	return parse_mask(effective.value_or("")).value_or(CoreSet());
}

std::vector<Knob> all_knobs(const Tree &tree, const CoreSet &online)
{
	Knobs knobs(tree);
	knobs.cores(Knob::mask, "/proc/irq/default_smp_affinity", "interrupts to come");
	for (int irq : all_interrupts(tree))
		knobs.cores(Knob::mask, "/proc/irq/" + std::to_string(irq) + "/smp_affinity",
			    "interrupt " + interrupt_name(tree, irq), irq);
	knobs.workqueues();
	knobs.cores(Knob::list, "/proc/sys/kernel/watchdog_cpumask", "lockup detectors");
	knobs.word("/proc/sys/vm/stat_interval", std::to_string(stat_interval) + "\n", "interval of memory statistics");
	knobs.word("/proc/sys/kernel/timer_migration", "1\n", "timers on busy cores");
	for (int core : online) {
		knobs.frequency(core);
		knobs.word(cpu_directory + std::to_string(core) + "/power/pm_qos_resume_latency_us", wake_latency,
			   "idle states of core " + std::to_string(core), {core});
	}
	return knobs.take();
}

std::string knob_target(const Knob &knob, const std::string &original, const CoreSet &reserved, const CoreSet &service)
{
	if (knob.kind == Knob::word) {
		const bool concerned = knob.cores.empty() ? !reserved.empty() : !common(knob.cores, reserved).empty();
		const bool longer = knob.path.ends_with("/stat_interval") && number(original) >= number(knob.word_text);
		return concerned && !longer ? knob.word_text : original;
	}
	const bool is_mask = knob.kind == Knob::mask;
	auto cores = is_mask ? parse_mask(original) : parse_list(original);
	if (!cores || common(*cores, reserved).empty())
		return original;
	CoreSet rest = without(*cores, reserved);
	if (common(rest, service).empty())
		rest = service;
	return is_mask ? format_mask(rest, original) : format_list(rest) + original.substr(trimmed(original).size());
}

} // namespace decouple
