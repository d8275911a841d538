/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The gate: what a home thread does while its user code runs in the guest. Register state moves here, between the home thread's signal
 * frame (session->context, session->fp) and the vCPU (session->guest, session->xsave).
 *
 * Ownership: gate_pause() stops the vCPU and takes the state; exactly one of gate_load() and gate_return() follows.
 */
#ifndef DECOUPLE_VMM_GATE_H
#define DECOUPLE_VMM_GATE_H

#include "reflector.h"

namespace decouple
{

/*
 * The thread was captured: its state (session->context, fp and mask) goes to the vCPU, and this task serves it from now on. On the gate
 * stack, all signals blocked.
 */
[[noreturn]] void gate_captured(Session *s);
/* Stops the vCPU; session->guest is then the application's state. An unserved call is taken back. */
Position gate_pause(Session *s);
/* As gate_pause() for a call that is being served, but the vCPU need not stop; see exchange.h. Followed by signals_deliver() and its kin. */
void gate_hold(Session *s);
/* The state in session->guest and xsave goes to the vCPU, which runs. */
void gate_load(Session *s);
/* The state in session->guest and xsave goes to the thread, which runs natively; see reflector_return(). */
[[noreturn]] void gate_return(Session *s, Return how);
/* Gives the thread back for good. */
[[noreturn]] void gate_leave(Session *s, Reason reason, s64 detail);

/* Writes a paused vCPU's state over a signal frame that was captured from the same thread. */
void gate_fill(Session *s, UContext *context, u8 *fp);

/* The task goes to its service core, its mask becomes virtual; and back, until the next capture. */
void gate_pin(Session *s);
void gate_unpin(Session *s);

/* Answers the call in the slot. */
void gate_reply(Session *s, long ret);
/* Lets the guest, which waits in the stub, do what slot->reply says: DECOUPLE_REPLY_*. */
void gate_answer(Session *s, u32 reply);
/* Behind the SYSCALL instruction with a result, for a paused vCPU whose call was taken back. */
void gate_complete(Session *s, long ret);

/* Ends the vCPU thread of a paused vCPU and waits until it is gone. */
void gate_quit_vcpu(Session *s);
/* Sends the vCPU thread a command. */
void gate_command(Session *s, VcpuCommand command);
/* Has the vCPU thread make a system call for itself (memory policy, scheduling); vCPU paused or its call being served. */
long gate_mirror(Session *s, u64 nr, u64 a, u64 b, u64 c);

/* The serving loop of calls.cc. */
void call_serve(Session *s);

/* signals.cc: unblocked, not ignored signals that are pending for the thread. If there are none, ignored ones are dropped. */
u64 signals_pending(Session *s);
/* Takes away what natively would not exist: signals that are ignored and not blocked. */
void signals_drop_ignored(Session *s);
/*
 * Lets the kernel deliver what is pending: recouples and captures again at the handler's first instruction. vCPU paused. Returns, with
 * the vCPU running again, only if nothing was pending any more (another thread took it).
 */
void signals_deliver(Session *s);
/* After a capture: completes what a call with a temporary mask began. */
void signals_after_capture(Session *s);

/* After a capture that followed: is there more to stack before the handler runs? Then the thread must be let go again at once. */
bool signals_deliver_more(Session *s);
/* As above in a call that had `temporary` as its mask; the call is over with EINTR. */
void signals_deliver_temporary(Session *s, u64 temporary);
/* The handler's own return: the kernel restores the application's frame, then the thread is captured there. vCPU paused. */
[[noreturn]] void signals_return(Session *s);
/* The guest has executed an instruction with TF set: the SIGTRAP that Linux would have raised. False: it is not wanted. */
bool signals_raise_trap(Session *s);
/* Is the handler for the next of these signals installed with SA_RESTART, or is there none? */
bool signals_restart(u64 signals, CallEnd end);

} // namespace decouple

#endif
