/* SPDX-License-Identifier: GPL-2.0-only */
/* One operation; see operation.h. */
#include "reserve/operation.h"

#include <algorithm>

#include "clock.h"

namespace decouple
{
namespace
{

constexpr const char *hush_path = "/sys/kernel/decouple/hush";

void append(std::vector<Step> &to, std::vector<Step> from)
{
	to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

std::string in_quotes(const std::string &bytes)
{
	return "`" + trimmed(bytes) + "`";
}

} // namespace

Operation::Operation(Tree &tree, Journal &journal, const CpusetMount &mount, const Topology &topology,
		     const ReservedState &state, ReservedState next)
    : tree_(tree), journal_(journal), mount_(mount), topology_(topology), state_(state), next_(std::move(next))
{
	change_ = {topology.online, state.all(), next_.all(), mount.unified};
	report_.cores = releasing() ? without(change_.before, change_.after) : without(change_.after, change_.before);
}

std::vector<Step> Operation::plan_values()
{
	std::vector<Step> steps;
	std::map<std::string, ChangedValue> values;
	for (const Knob &knob : all_knobs(tree_, topology_.online)) {
		auto now = tree_.read(knob.path);
		if (!now)
			continue;
		ChangedValue value = {*now, *now};
		auto known = state_.values.find(knob.path);
		if (known != state_.values.end() && known->second.left == *now) {
			value.was = known->second.was;
		} else if (known != state_.values.end()) {
			report_.notes.push_back(knob.what + " (" + knob.path + "): changed to " + in_quotes(*now) +
						" by somebody else since it was set to " + in_quotes(known->second.left) +
						(releasing() ? ": left alone" : ""));
			if (releasing())
				continue;
		}
		value.left = knob_target(knob, value.was, change_.after, change_.service());
		if (value.left != *now) {
			steps.push_back(value_step(knob.path, *now, value.left, knob.what));
			steps.back().write_path = knob.write_path;
		}
		values[knob.path] = value;
	}
	next_.values = std::move(values);
	if (releasing())
		std::reverse(steps.begin(), steps.end());
	return steps;
}

std::vector<Step> Operation::plan_hush() const
{
	std::vector<Step> steps;
	auto add = [&](int core, unsigned from, unsigned to) {
		Step step;
		step.kind = Step::hush;
		step.path = hush_path;
		step.old = std::to_string(from);
		step.next = std::to_string(to);
		step.text = std::to_string(core) + ":" + step.next + "\n";
		step.undo_text = std::to_string(core) + ":" + step.old + "\n";
		step.what = "hush of core " + std::to_string(core);
		step.fatal = to != 0;
		steps.push_back(step);
	};
	for (auto [core, ms] : state_.hush)
		if (!next_.hush.count(core) && tree_.exists(hush_path))
			add(core, ms, 0);
	for (auto [core, ms] : next_.hush)
		if (!state_.hush.count(core))
			add(core, 0, ms);
	return steps;
}

Result<> Operation::plan()
{
	if (next_.hush.size() > state_.hush.size() && !tree_.exists(hush_path))
		return fail(ENODEV, std::string("--hush needs the kernel module (with ") + hush_path +
					    "): modprobe decouple, or reserve without it");
	std::vector<Step> cpusets = TRY(plan_cpusets(tree_, mount_, topology_.online, state_, next_));
	std::vector<Step> values = plan_values();
	TaskPlan tasks = plan_tasks(tree_, change_, state_.tasks);
	next_.tasks = std::move(tasks.moved);
	if (releasing()) {
		append(steps_, plan_hush());
		append(steps_, std::move(values));
		append(steps_, std::move(cpusets));
		append(steps_, std::move(tasks.steps));
	} else {
		append(steps_, std::move(cpusets));
		append(steps_, std::move(values));
		append(steps_, std::move(tasks.steps));
		append(steps_, plan_hush());
	}
	return {};
}

Result<> Operation::make(const std::vector<Step> &steps)
{
	for (const Step &step : steps) {
		const long begin = monotonic_ns();
		auto done = do_step(tree_, step);
		report_.steps.push_back({step, done ? "" : done.error().what, (monotonic_ns() - begin) / 1000});
		if (!done && step.fatal)
			return fail(step.kind == Step::hush && done.error().code == EOPNOTSUPP ? ENODEV : done.error().code,
				    step.what + ": " + step.path + (step.text.empty() ? "" : " <- " + in_quotes(step.text)) +
					    ": " + done.error().what);
	}
	return {};
}

/* Tasks begun meanwhile by ones that had not been moved yet; few rounds, for each finds only what began in the one before. */
Result<> Operation::move_stragglers()
{
	constexpr int rounds = 4;
	for (int round = 0; round < rounds; round++) {
		Stragglers found = find_stragglers(tree_, change_);
		report_.bound_threads = found.bound.size();
		std::erase_if(found.steps, [&](const Step &step) {
			return std::any_of(report_.steps.begin(), report_.steps.end(), [&](const DoneStep &done) {
				return done.step.kind == Step::task && done.step.tid == step.tid && !done.error.empty();
			});
		});
		if (found.steps.empty() || round == rounds - 1) {
			if (!found.fixed.empty())
				report_.kept.push_back(
					std::to_string(found.fixed.size()) + " kernel threads that serve all cores (" +
					task_name(tree_, found.fixed[0]) + " ...): the kernel allows nobody to bind them");
			return {};
		}
		TRY(journal_.append("", found.steps));
		append(steps_, found.steps);
		TRY(make(found.steps));
		next_.tasks.insert(found.moved.begin(), found.moved.end());
	}
	return {};
}

/* What the files read in the end; what is as it was is forgotten. */
void Operation::settle_values()
{
	for (auto value = next_.values.begin(); value != next_.values.end();) {
		auto &[path, bytes] = *value;
		const std::string now = tree_.read(path).value_or(bytes.was);
		const std::string wanted = std::exchange(bytes.left, now);
		auto done = std::find_if(report_.steps.begin(), report_.steps.end(),
					 [&](const DoneStep &step) { return step.step.path == path; });
		if (now != wanted && done != report_.steps.end() && done->error.empty())
			done->error = "reads " + in_quotes(now) + " afterwards";
		value = bytes.was == bytes.left ? next_.values.erase(value) : std::next(value);
	}
}

void Operation::count()
{
	for (const DoneStep &done : report_.steps) {
		const Step &step = done.step;
		const bool interrupt = step.path.starts_with("/proc/irq/") && !step.path.ends_with("default_smp_affinity");
		if (done.error.empty()) {
			report_.moved_tasks += step.kind == Step::task && step.old != step.next;
			report_.moved_interrupts += interrupt;
			continue;
		}
		if (step.kind == Step::task && parse_list(step.next) && common(*parse_list(step.old), report_.cores).empty())
			continue; /* was not on these cores anyway */
		if (interrupt && !releasing()) {
			const int number = std::atoi(step.path.c_str() + strlen("/proc/irq/"));
			const CoreSet there = common(interrupt_cores(tree_, number), change_.after);
			if (!interrupt_in_use(tree_, number) || there.empty())
				continue; /* refuses, but disturbs nobody */
		}
		report_.kept.push_back(step.what + ": " + done.error);
	}
}

Result<> Operation::undone(Error error)
{
	const auto left = undo_steps(tree_, steps_);
	error.what += left.empty() ? "; everything was put back" : "; put back but for:";
	for (const std::string &line : left)
		error.what += " " + line + ";";
	auto condensed = journal_.condense(lines_of(state_));
	if (!condensed)
		error.what += "; " + condensed.error().what;
	return std::unexpected(std::move(error));
}

Result<> Operation::run(const std::string &name)
{
	auto done = journal_.append(name, steps_);
	if (done)
		done = make(steps_);
	if (done && !releasing())
		done = move_stragglers();
	if (!done)
		return undone(std::move(done.error()));
	settle_values();
	count();
	return journal_.condense(lines_of(next_));
}

} // namespace decouple
