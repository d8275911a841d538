/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A gate for a forked child, which inherits its parent's image but not its gate: the child asks the module for one itself, with its own
 * rights, as a controller does (decouple/uapi.h).
 */
#ifndef DECOUPLE_VMM_OWN_GATE_H
#define DECOUPLE_VMM_OWN_GATE_H

#include "sys.h"

namespace decouple
{

struct OwnGate {
	u64 address; /* 0: the module gives none, or not these cores */
	s32 device; /* stays open until there is a session: the gate would go with it */
};

/* `at`: where the parent's was. `cores`: bit N for core N, where vCPUs will be. */
OwnGate own_gate_open(u64 at, const u64 cores[16]);
/* Without a session by now the gate is gone. */
void own_gate_close(const OwnGate &gate);

} // namespace decouple

#endif
