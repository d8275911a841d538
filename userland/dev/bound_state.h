/* SPDX-License-Identifier: GPL-2.0-only */
/* Which functions are bound to vfio-pci by us, and what they had before: the state in the journal `devices`. */
#ifndef DECOUPLE_DEV_BOUND_STATE_H
#define DECOUPLE_DEV_BOUND_STATE_H

#include <map>
#include <string>

#include "reserve/journal.h"

namespace decouple
{

struct BoundFunction {
	std::string driver; /* before; empty: none */
	std::string override_was; /* bytes of driver_override */
	std::string physical; /* a virtual function that was made for it: the one that it is of, and goes with */
};

struct BoundState {
	std::map<std::string, BoundFunction> functions; /* by address */
	std::map<std::string, unsigned> made; /* address of a physical function -> how many virtual ones were made */
	bool empty() const { return functions.empty() && made.empty(); }
};

Journal::Lines lines_of(const BoundState &state);
void take_line(BoundState &state, const nlohmann::json &object);

} // namespace decouple

#endif
