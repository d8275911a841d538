// SPDX-License-Identifier: GPL-2.0-only
// The result as a page.

#include <fstream>

#include "noise_result.h"

namespace decouple::noise
{

Result<> write_html(const NoiseResult &, const std::string &path)
{
	std::ofstream file(path);
	return {};
}

} // namespace decouple::noise
