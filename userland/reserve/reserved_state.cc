/* SPDX-License-Identifier: GPL-2.0-only */
/* The reserved cores' lines in the journal; see reserved_state.h. */
#include "reserve/reserved_state.h"

namespace decouple
{
namespace
{

using Json = nlohmann::json;

} // namespace

Journal::Lines lines_of(const ReservedState &state)
{
	if (state.all().empty())
		return {};
	Json head = {{"reserved", format_list(state.cores)},
		     {"idle", format_list(state.idle)},
		     {"controller", state.controller},
		     {"root_balance", state.root_balance}};
	head["hush"] = Json::object();
	for (auto [core, ms] : state.hush)
		head["hush"][std::to_string(core)] = ms;
	Journal::Lines lines = {head};
	for (const auto &[path, value] : state.values)
		lines.push_back({{"value", path}, {"was", value.was}, {"left", value.left}});
	for (const auto &[tid, task] : state.tasks)
		lines.push_back({{"task", tid},
				 {"start", task.start},
				 {"was", format_list(task.was)},
				 {"left", format_list(task.left)}});
	return lines;
}

void take_line(ReservedState &state, const Json &object)
{
	if (object.contains("reserved")) {
		state.cores = parse_list(object.value("reserved", "")).value_or(CoreSet());
		state.idle = parse_list(object.value("idle", "")).value_or(CoreSet());
		state.controller = object.value("controller", false);
		state.root_balance = object.value("root_balance", false);
		for (const auto &[core, ms] : object.at("hush").items())
			state.hush[std::stoi(core)] = ms.get<unsigned>();
	} else if (object.contains("value")) {
		state.values[object.at("value").get<std::string>()] = {object.value("was", ""), object.value("left", "")};
	} else if (object.contains("task")) {
		state.tasks[object.at("task").get<pid_t>()] = {object.value("start", 0ul),
							       parse_list(object.value("was", "")).value_or(CoreSet()),
							       parse_list(object.value("left", "")).value_or(CoreSet())};
	}
}

} // namespace decouple
