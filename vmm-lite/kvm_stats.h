/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM's statistics of a vCPU (KVM_GET_STATS_FD), for those who look from outside: struct KvmStats. The file must be had before the vCPU
 * runs, since KVM gives it under the vCPU's mutex; it is read by the manager, only when somebody asks, and needs nothing of the core
 * on which the vCPU runs.
 */
#ifndef DECOUPLE_VMM_KVM_STATS_H
#define DECOUPLE_VMM_KVM_STATS_H

#include "session.h"

namespace decouple
{

/* The session has a new vCPU; or that of a session that is over, whose figures are not to count. On the vCPU thread. */
void kvm_stats_open(Session *s);
void kvm_stats_take(Session *s, s32 fd);
/* The vCPU has run for the last time: reads once more. The file is the caller's then; 0: there is none. */
s32 kvm_stats_end(Session *s);

/* Does what Control::kvm_asked asks for. On the manager. */
void kvm_stats_serve();

} // namespace decouple

#endif
