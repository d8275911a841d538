/* SPDX-License-Identifier: GPL-2.0-only */
/* Checks of one thread, beside the public ones in session.h. */
#ifndef DECOUPLE_USERLAND_CHECKS_H
#define DECOUPLE_USERLAND_CHECKS_H

#include <sys/types.h>

#include "base/result.h"
#include "tracer.h"

namespace decouple
{

/* Not a kernel thread, not traced, not stopped, no seccomp. */
Result<> check_thread(pid_t pid, pid_t tid);
/* What only a tracer sees: no Syscall User Dispatch. */
Result<> check_stopped(const Stopped &stopped, pid_t tid);
/* For the signal reflector: the process has no use for signal 64. */
Result<> check_reserved_signal(pid_t pid);

} // namespace decouple

#endif
