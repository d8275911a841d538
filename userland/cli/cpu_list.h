/* SPDX-License-Identifier: GPL-2.0-only */
/* CPU lists as Linux writes them: "0,2-5". */
#ifndef DECOUPLE_CLI_CPU_LIST_H
#define DECOUPLE_CLI_CPU_LIST_H

#include <string>
#include <vector>

#include "base/result.h"

namespace decouple::cli
{

/* Ascending, without duplicates. Error EINVAL: not a list. */
Result<std::vector<int>> parse_cpu_list(const std::string &text);
std::string format_cpu_list(const std::vector<int> &cpus);

/* CPUs that this process may run on. */
std::vector<int> allowed_cpus();

} // namespace decouple::cli

#endif
