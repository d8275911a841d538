/* SPDX-License-Identifier: GPL-2.0-only */
/* What each kind of load does. */
#ifndef DECOUPLE_TOOLS_LOAD_WORK_H
#define DECOUPLE_TOOLS_LOAD_WORK_H

#include "load.h"

namespace decouple::noise
{

/* Runs until it is killed; returns the errno that prevents it from going on. */
using LoadWork = int (*)(Load::Shared &);

int load_ipc(Load::Shared &shared);
int load_cache(Load::Shared &shared);
int load_net(Load::Shared &shared);

} // namespace decouple::noise

#endif
