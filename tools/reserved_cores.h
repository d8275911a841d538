/* SPDX-License-Identifier: GPL-2.0-only */
/* Native measurements on cores that are reserved for decoupling. */
#ifndef DECOUPLE_TOOLS_RESERVED_CORES_H
#define DECOUPLE_TOOLS_RESERVED_CORES_H

#include <sys/types.h>

#include <vector>

#include "base/result.h"

namespace decouple::noise
{

/* Ascending; empty: none. */
std::vector<int> reserved_cores();

/*
 * Moves a process into the cpuset of a reserved core: one outside can't be bound to it. Meant for a process of our own, which has no other
 * place that it belongs to.
 */
Result<> enter_reserved(pid_t pid, int core);

} // namespace decouple::noise

#endif
