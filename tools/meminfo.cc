// SPDX-License-Identifier: GPL-2.0-only
// Sum over fields of /proc/meminfo.

#include "meminfo.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>
#include <string>

namespace decouple::bench
{

double kernel_memory_kib()
{
	static constexpr std::array fields = {"Slab:", "KernelStack:", "PageTables:", "SecPageTables:", "VmallocUsed:"};
	std::ifstream file("/proc/meminfo");
	double sum = 0, kib;
	for (std::string field; file >> field; file.ignore(std::numeric_limits<std::streamsize>::max(), '\n'))
		if (std::find(fields.begin(), fields.end(), field) != fields.end() && file >> kib)
			sum += kib;
	return sum;
}

} // namespace decouple::bench
