/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * State transfer through the stub (decouple/exchange.h) instead of a stop of the vCPU and KVM's ioctls: for signals that are delivered at a
 * system call, and for the handler's return.
 *
 * A held session (session->held) has its vCPU running, in the stub, waiting for a reply; its state is the home thread's. The vCPU is given
 * a state by exchange_load(), or stopped by gate_command().
 */
#ifndef DECOUPLE_VMM_EXCHANGE_H
#define DECOUPLE_VMM_EXCHANGE_H

#include "session.h"

namespace decouple
{

/* The vCPU's pages of it are mapped where it can be used; false: no room. vm.lock held. */
bool exchange_map(Session *s);

/*
 * For a call that is being served: the application's state, the call taken back, goes to session->guest and xsave as by gate_pause(). False:
 * not by this way.
 */
bool exchange_hold(Session *s);

/* The state in session->context and fp, with the bases in session->guest, goes to the held vCPU, which runs. */
void exchange_load(Session *s);

/* The vCPU was stopped before it took the state that exchange_load() gave it: that is the application's. False: it was given none. */
bool exchange_take_back(Session *s);

} // namespace decouple

#endif
