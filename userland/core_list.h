/* SPDX-License-Identifier: GPL-2.0-only */
/* Core lists as Linux and the command line write them: "0,2-5". */
#ifndef DECOUPLE_USERLAND_CORE_LIST_H
#define DECOUPLE_USERLAND_CORE_LIST_H

#include <string>
#include <vector>

#include "base/result.h"

namespace decouple
{

/* Ascending, without duplicates. Error EINVAL: not a list. */
Result<std::vector<int>> parse_core_list(const std::string &text);
std::string format_core_list(const std::vector<int> &cores);

/* The list in a file of the kernel's; none: no such file, or it is empty. */
std::vector<int> read_core_list(const std::string &path);

} // namespace decouple

#endif
