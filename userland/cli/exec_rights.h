/* SPDX-License-Identifier: GPL-2.0-only */
/* Programs that Linux would not give their rights under a tracer (execve(2): set-user-ID, set-group-ID, file capabilities). */
#ifndef DECOUPLE_CLI_EXEC_RIGHTS_H
#define DECOUPLE_CLI_EXEC_RIGHTS_H

#include <sys/types.h>

namespace decouple::cli
{

/* Is the caller a tracer that takes rights away? Root is none. */
bool tracing_costs_rights();

/* The thread, which the caller traces, is at the entry to a system call: is that an execve of such a program? */
bool executes_with_rights(pid_t tid);

} // namespace decouple::cli

#endif
