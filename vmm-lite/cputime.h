/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPU time as the application sees it. A decoupled thread consumes time on its vCPU thread, and its home thread consumes some more for
 * spinning: what counts is what the thread would have consumed natively. All in nanoseconds.
 *
 *   thread = home thread's clock while it ran natively + vCPU thread's clock + CPU time of long calls while the vCPU thread slept
 *
 * A short call needs no clock: the vCPU thread spins as long as the home thread works.
 */
#ifndef DECOUPLE_VMM_CPUTIME_H
#define DECOUPLE_VMM_CPUTIME_H

#include "session.h"

namespace decouple
{

void cputime_first_capture(Session *s);
/* Around native slices; on the home thread. */
void cputime_enter_gate(Session *s);
void cputime_leave_gate(Session *s);
/* A reflected call that began at start_tsc is over. */
void cputime_call_done(Session *s, u64 start_tsc);
/* The home thread begins to spin (after a sleep). */
void cputime_mark(Session *s);

/* The calls that report CPU time; true: handled, *ret is the result. */
bool cputime_call(Session *s, const u64 call[7], long *ret);

} // namespace decouple

#endif
