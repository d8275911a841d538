/* SPDX-License-Identifier: GPL-2.0-only */
/* The measurement: all variants in one run, short rounds of each in turn. */
#ifndef DECOUPLE_TOOLS_NOISE_RUN_H
#define DECOUPLE_TOOLS_NOISE_RUN_H

#include "noise_result.h"

namespace decouple::noise
{

/* Error: nothing was measured. What is missing of a result is in its notes, and its exit code. */
Result<NoiseResult> measure_noise(const Plan &plan);

} // namespace decouple::noise

#endif
