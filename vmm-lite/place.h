/* SPDX-License-Identifier: GPL-2.0-only */
/* How the vCPU thread gets to its dedicated core, which its cpuset may not allow, and stays there. On the vCPU thread. */
#ifndef DECOUPLE_VMM_PLACE_H
#define DECOUPLE_VMM_PLACE_H

#include "session.h"

namespace decouple
{

/* 0 or -errno: it can't get there. Fills in session->core_aux. */
long place_vcpu(Session *s);

/* Before each entry into the guest: is it there still? Else it goes back. False: it can't; the thread is to be given back, which is asked for. */
bool place_keep(Session *s);

} // namespace decouple

#endif
