/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The manager's part in giving threads back. The home thread itself leaves the gate; here it is asked to, by a controller for one thread or
 * all, by root or for a debugger for all. Manager thread only, but for what manager.h has of it.
 */
#ifndef DECOUPLE_VMM_RECOUPLE_H
#define DECOUPLE_VMM_RECOUPLE_H

#include "session.h"

namespace decouple
{

/* Asks a thread (0: all) to leave the gate: how many were asked, or -ESRCH. */
long recouple(s32 tid);
/* recouple(0) is due again and again until no session is left; Reason::none: no longer. */
void recouple_all(Reason why);
bool recoupling_all();
/* Ends vCPU threads and VM if a home thread waits for that; see manager_end_vm(). */
void serve_vm_end();
/* It was asked for: no more sessions here. */
bool vm_ends();
/* In a forked child. */
void recouple_forget();

} // namespace decouple

#endif
