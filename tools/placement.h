/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the measuring sides run, and at which priority. */
#ifndef DECOUPLE_TOOLS_PLACEMENT_H
#define DECOUPLE_TOOLS_PLACEMENT_H

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace decouple::bench
{

/* Cores on which the calling process may run, ascending. */
std::vector<int> allowed_cores();

/* tid 0: the caller. */
Result<> pin(pid_t tid, int core);
Result<> pin(pid_t tid, const std::vector<int> &cores);

/* SCHED_RR at `priority`; 0: back to SCHED_OTHER. */
Result<> set_realtime(pid_t tid, int priority);

/* Threads of a process. Empty when it is gone. */
std::vector<pid_t> threads_of(pid_t pid);

/* "D,S": two different cores, both allowed. An empty text: the last and the first allowed core. */
struct CorePair {
	int dedicated, service;
};
Result<CorePair> choose_core_pair(const std::string &text);

} // namespace decouple::bench

#endif
