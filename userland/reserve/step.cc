/* SPDX-License-Identifier: GPL-2.0-only */
/* Making changes and undoing them; see step.h. */
#include "reserve/step.h"

#include <array>

#include "reserve/driver.h"
#include "reserve/tasks.h"

namespace decouple
{
namespace
{

constexpr std::array<const char *, 7> kind_names = {"write", "mkdir", "rmdir", "hush", "expect", "task", "driver"};

const std::string &written_path(const Step &step)
{
	return step.write_path.empty() ? step.path : step.write_path;
}

Result<> set_task(Tree &tree, const Step &step, const std::string &list)
{
	const CoreSet cores = parse_list(list).value_or(CoreSet());
	auto now = tree.affinity(step.tid);
	if (!now || task_start(tree, step.tid) != step.start)
		return {}; /* ended */
	if (*now == cores || cores.empty())
		return {};
	auto set = tree.set_affinity(step.tid, cores);
	if (!set && set.error().code == ESRCH)
		return {};
	return set;
}

Result<> undo_step(Tree &tree, const Step &step)
{
	switch (step.kind) {
	case Step::write: {
		auto now = tree.read(step.path);
		if (!now || trimmed(*now) == trimmed(step.old))
			return {};
		const bool ours = trimmed(*now) == trimmed(step.next) ||
				  (!step.second_text.empty() && now->starts_with(step.second_text)) ||
				  now->starts_with(step.next + " invalid");
		if (!ours)
			return fail(EBUSY, "reads `" + trimmed(*now) + "`, not ours: left alone");
		return tree.write(written_path(step), step.undo_text);
	}
	case Step::make_directory:
		if (!tree.exists(step.path))
			return {};
		return tree.remove_directory(step.path);
	case Step::remove_directory:
		if (tree.exists(step.path))
			return {};
		return tree.make_directory(step.path);
	case Step::hush:
		if (!tree.exists(step.path))
			return {};
		return tree.write(step.path, step.undo_text);
	case Step::task:
		return set_task(tree, step, step.old);
	case Step::driver: {
		const std::string now = driver_of(tree, step.path);
		if (!tree.exists(step.path))
			return {};
		if (now != step.old && now != step.next && !now.empty())
			return fail(EBUSY, "is bound to " + now + ", not by us: left alone");
		return set_driver(tree, step.path, step.old);
	}
	case Step::expect:
		break;
	}
	return {};
}

} // namespace

Step value_step(const std::string &path, const std::string &old, const std::string &next, const std::string &what)
{
	Step step;
	step.path = path;
	step.old = step.undo_text = old;
	step.next = step.text = next;
	step.what = what;
	return step;
}

Step driver_step(const std::string &function, const std::string &old, const std::string &next)
{
	Step step;
	step.kind = Step::driver;
	step.path = function;
	step.old = old;
	step.next = next;
	step.what = "driver of " + function.substr(function.rfind('/') + 1);
	return step;
}

nlohmann::json to_json(const Step &step)
{
	nlohmann::json object = {{"step", kind_names[step.kind]}, {"old", step.old}, {"new", step.next}, {"what", step.what}};
	if (step.kind == Step::task) {
		object["tid"] = step.tid;
		object["start"] = step.start;
	} else {
		object["path"] = step.path;
		object["write"] = step.text;
		object["undo"] = step.undo_text;
		if (!step.write_path.empty())
			object["into"] = step.write_path;
		if (!step.second_text.empty())
			object["second"] = step.second_text;
	}
	return object;
}

std::optional<Step> step_from_json(const nlohmann::json &object)
{
	Step step;
	const std::string kind = object.value("step", "");
	for (size_t i = 0; i < kind_names.size(); i++) {
		if (kind != kind_names[i])
			continue;
		step.kind = static_cast<Step::Kind>(i);
		step.path = object.value("path", "");
		step.old = object.value("old", "");
		step.next = object.value("new", "");
		step.text = object.value("write", "");
		step.undo_text = object.value("undo", "");
		step.write_path = object.value("into", "");
		step.second_text = object.value("second", "");
		step.what = object.value("what", "");
		step.tid = object.value("tid", 0);
		step.start = object.value("start", 0ul);
		return step;
	}
	return std::nullopt;
}

Result<> do_step(Tree &tree, const Step &step)
{
	switch (step.kind) {
	case Step::write:
	case Step::hush: {
		auto written = tree.write(written_path(step), step.text);
		if (!written && written.error().code == EINVAL && !step.second_text.empty())
			written = tree.write(written_path(step), step.second_text);
		return written;
	}
	case Step::make_directory:
		return tree.make_directory(step.path);
	case Step::remove_directory:
		return tree.remove_directory(step.path);
	case Step::expect: {
		const std::string now = trimmed(tree.read(step.path).value_or(""));
		if (now != step.next && now != step.text)
			return fail(EBUSY, "reads `" + now + "`");
		return {};
	}
	case Step::task:
		return set_task(tree, step, step.next);
	case Step::driver:
		return set_driver(tree, step.path, step.next);
	}
	return {};
}

std::vector<std::string> undo_steps(Tree &tree, const std::vector<Step> &steps)
{
	std::vector<std::string> left;
	auto undo = [&](const Step &step) {
		auto undone = undo_step(tree, step);
		if (!undone)
			left.push_back(step.what + " (" + (step.path.empty() ? std::to_string(step.tid) : step.path) +
				       "): " + undone.error().what);
	};
	for (size_t i = steps.size(); i--;)
		if (steps[i].kind != Step::task)
			undo(steps[i]);
	for (const Step &step : steps)
		if (step.kind == Step::task)
			undo(step);
	return left;
}

} // namespace decouple
