/* SPDX-License-Identifier: GPL-2.0-only */
/* How `status` and `top` show decoupled threads. */
#ifndef DECOUPLE_CLI_THREAD_LIST_H
#define DECOUPLE_CLI_THREAD_LIST_H

#include <nlohmann/json.hpp>

#include "session.h"

namespace decouple::cli
{

/* The fields that scripts depend on; with `verbose` all others behind them. */
nlohmann::ordered_json thread_json(const ThreadStatus &thread, bool verbose);

/* Name of the program that the thread runs (comm), "-" if it has gone. */
std::string thread_command(const ThreadStatus &thread);

} // namespace decouple::cli

#endif
