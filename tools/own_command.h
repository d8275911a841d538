/* SPDX-License-Identifier: GPL-2.0-only */
/* Running another command of this program. */
#ifndef DECOUPLE_TOOLS_OWN_COMMAND_H
#define DECOUPLE_TOOLS_OWN_COMMAND_H

#include <string>
#include <vector>

#include "base/result.h"

namespace decouple::noise
{

struct CommandResult {
	int status; /* exit status; 128 + N: killed by signal N */
	std::string output, message; /* what it wrote to standard output and standard error */
};

/* `decouple ARGUMENTS...`, the binary that is running now; waits for its end. No signal is blocked in it. */
Result<CommandResult> run_own(const std::vector<std::string> &arguments);

} // namespace decouple::noise

#endif
