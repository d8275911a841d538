/* SPDX-License-Identifier: GPL-2.0-only */
/* One vCPU: creation, register state in and out, where it was stopped. All run on the session's vCPU thread. */
#ifndef DECOUPLE_VMM_VCPU_H
#define DECOUPLE_VMM_VCPU_H

#include "session.h"
#include "vm.h"

namespace decouple
{

/* Creates the vCPU of a session; on any core. */
SetupError vcpu_create(Session *s);
/*
 * A KVM_RUN that returns before the guest. From Linux 6.12 on KVM starts its recovery of huge pages with a VM's first one, as a thread beside
 * the caller: in its cgroup and with its affinity, which are not to be those of a dedicated core.
 */
void vcpu_enter_nowhere(Session *s);
/* Makes its initial state; the caller is pinned to the session's core by now, which CPUID and TSC_AUX tell. */
SetupError vcpu_set_up(Session *s);
/* Runs the guest's own system call entry once to learn at which CPL this KVM enters it; first vCPU of a VM only. */
SetupError vcpu_probe(Session *s);
void vcpu_destroy(Session *s);

/* session->{context,fp,loaded_fs,loaded_gs} -> vCPU. The fs and gs bases are those of session->guest. Returns 0 or -errno. */
long vcpu_load(Session *s);
/* vCPU -> session->{guest,xsave}. */
long vcpu_save(Session *s);
StubView stub_view(const Session *s);

/* Continue behind a trap at the interrupted instruction: pops the interrupt frame. */
void vcpu_retry_trap(Session *s);

} // namespace decouple

#endif
