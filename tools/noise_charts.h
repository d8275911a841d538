/* SPDX-License-Identifier: GPL-2.0-only */
/* The charts of the report. Each is a whole SVG element; empty where there is nothing to be drawn. */
#ifndef DECOUPLE_TOOLS_NOISE_CHARTS_H
#define DECOUPLE_TOOLS_NOISE_CHARTS_H

#include "noise_result.h"

namespace decouple::noise
{

/* Of one series over its own time, with the same axes as the other variants have: detours, work done, lengths of gaps. */
std::string time_chart(const NoiseResult &result, const Series &series);
/* All variants: how many quanta lost how much. */
std::string histogram_chart(const NoiseResult &result, Method method);
/* All variants: the share of quanta that lost more than that; of gaps: how many a minute are longer. */
std::string exceedance_chart(const NoiseResult &result, Method method);

/* "2.35 µs". */
std::string shown_duration(double ns);

} // namespace decouple::noise

#endif
