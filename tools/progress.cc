// SPDX-License-Identifier: GPL-2.0-only
// Progress on standard error.

#include "progress.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>

namespace decouple::bench
{

void show_progress(const std::string &what, const std::string &step)
{
	using namespace std::chrono;
	static steady_clock::time_point last = steady_clock::now();
	if (isatty(STDERR_FILENO)) {
		fprintf(stderr, step.empty() ? "\r\033[K" : "\r\033[K%s: %s", what.c_str(), step.c_str());
	} else if (!step.empty() && steady_clock::now() - last >= seconds(1)) {
		fprintf(stderr, "decouple: %s: %s ...\n", what.c_str(), step.c_str());
		last = steady_clock::now();
	}
}

} // namespace decouple::bench
