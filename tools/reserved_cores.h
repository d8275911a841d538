/* SPDX-License-Identifier: GPL-2.0-only */
/* Cores that are reserved for decoupling: the cpuset called `decouple`. */
#ifndef DECOUPLE_TOOLS_RESERVED_CORES_H
#define DECOUPLE_TOOLS_RESERVED_CORES_H

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace decouple::noise
{

/* Ascending; empty: none. */
std::vector<int> reserved_cores();

/*
 * Moves a process into that cpuset: one outside can't be bound to its cores. Meant for a process of our own, which has no other place
 * that it belongs to.
 */
Result<> enter_reserved(pid_t pid);

/* Cores of a list as Linux writes it, "0,2-5"; what is no list has none. */
std::vector<int> cores_of(const std::string &list);

} // namespace decouple::noise

#endif
