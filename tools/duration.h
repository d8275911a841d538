/* SPDX-License-Identifier: GPL-2.0-only */
/* Times with their unit, as people write them: "100ns", "2us", "1.5ms", "10s". */
#ifndef DECOUPLE_TOOLS_DURATION_H
#define DECOUPLE_TOOLS_DURATION_H

#include <string>

#include "base/result.h"

namespace decouple::noise
{

/* In ns. Error EINVAL: no number, no unit, negative, or something behind it; `option` is named in the message. */
Result<double> parse_duration(const std::string &option, const std::string &text);

/* "2.35 us": three significant digits, in the unit that suits. */
std::string format_duration(double ns);

} // namespace decouple::noise

#endif
