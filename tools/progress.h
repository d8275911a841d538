/* SPDX-License-Identifier: GPL-2.0-only */
/* What a measurement is at, for whoever waits for it. */
#ifndef DECOUPLE_TOOLS_PROGRESS_H
#define DECOUPLE_TOOLS_PROGRESS_H

#include <string>

namespace decouple::bench
{

/*
 * On a terminal one line that changes, wiped by an empty step: it is no part of the result. Elsewhere a line a second, none in the first.
 * `what`: "bench syscall".
 */
void show_progress(const std::string &what, const std::string &step);

} // namespace decouple::bench

#endif
