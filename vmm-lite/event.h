/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waits for eventfds that the kernel ends in the guest: who signals one, be it a device's interrupt, replies to the decoupled thread itself
 * (decouple/gate.h: DECOUPLE_GATE_EVENT). Everything else about these calls stays Linux's.
 */
#ifndef DECOUPLE_VMM_EVENT_H
#define DECOUPLE_VMM_EVENT_H

#include "reflector.h"

namespace decouple
{

enum class EventEnd {
	none, /* the call is to be executed; its timeout may be shorter now */
	replied, /* it is over, and the guest may have made another one */
	interrupted, /* as reflector_call() says */
};

/* On the home thread, for an interruptible call that it has not answered. */
EventEnd event_wait(Session *s, u64 call[7], CallEnd *end);

} // namespace decouple

#endif
