// SPDX-License-Identifier: GPL-2.0-only
// Looking things up in a result.

#include "noise_result.h"

#include <algorithm>

namespace decouple::noise
{

const Series *NoiseResult::find(Method method, const std::string &variant) const
{
	for (const Series &candidate : series)
		if (candidate.method == method && candidate.variant == variant)
			return &candidate;
	return nullptr;
}

double NoiseResult::floor_ns(Method method) const
{
	double least = 0;
	for (const Series &candidate : series) {
		const double own = method == Method::fwq ? figures(candidate).min : candidate.step_ns;
		if (candidate.method == method && own > 0 && (least == 0 || own < least))
			least = own;
	}
	return least;
}

} // namespace decouple::noise
