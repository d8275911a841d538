/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * True faults. The thread goes native at the faulting instruction and Linux raises the signal; so that its handler runs decoupled from the
 * first instruction on, the signal's action is put aside for that moment: fault_entry puts it back, sends the thread the same siginfo
 * again and the capture signal behind it. Error code, trap number and CR2 are the thread's last and stay true in the frame.
 *
 * An instruction that Linux lets pass natively (a read of write-only memory, a page that KVM could not have) must not be followed by others:
 * it is single-stepped, and the capture comes with its trap.
 */
#ifndef DECOUPLE_VMM_FAULT_H
#define DECOUPLE_VMM_FAULT_H

#include "session.h"

namespace decouple
{

/* The event's instruction does not show the trap flag that single-stepping sets. */
bool fault_may_step(const Session *s);
/* Signal reflector: before going native for an event of the vCPU. One thread at a time in a process; others wait. */
void fault_expect(Session *s);
/* The thread is back in the gate, with or without a signal; session->context and mask are made what they are without us. */
void fault_captured(Session *s);

} // namespace decouple

#endif
