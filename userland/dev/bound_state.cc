/* SPDX-License-Identifier: GPL-2.0-only */
/* The bound functions' lines in the journal; see bound_state.h. */
#include "dev/bound_state.h"

namespace decouple
{

Journal::Lines lines_of(const BoundState &state)
{
	Journal::Lines lines;
	for (const auto &[address, function] : state.functions)
		lines.push_back({{"function", address},
				 {"driver", function.driver},
				 {"override", function.override_was},
				 {"physical", function.physical}});
	for (const auto &[address, count] : state.made)
		lines.push_back({{"physical_function", address}, {"made", count}});
	return lines;
}

void take_line(BoundState &state, const nlohmann::json &object)
{
	if (object.contains("function"))
		state.functions[object.at("function").get<std::string>()] = {
			object.value("driver", ""), object.value("override", ""), object.value("physical", "")};
	else if (object.contains("physical_function"))
		state.made[object.at("physical_function").get<std::string>()] = object.at("made").get<unsigned>();
}

} // namespace decouple
