/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vCPU sleeps in the guest: it halts, and an eventfd of its session's interrupts it by way of KVM's irqfd (Documentation/virt/kvm/api.rst,
 * KVM_IRQFD). Its thread stays in KVM_RUN. With the module's reflector, and where SYSCALL raises the privilege; else the guest rings
 * DECOUPLE_DOORBELL_WAIT and the thread sleeps in user space.
 */
#ifndef DECOUPLE_VMM_WAKE_H
#define DECOUPLE_VMM_WAKE_H

#include "session.h"
#include "vm.h"

namespace decouple
{

/* Before the first vCPU: local APICs in the kernel, as Control::config says. Not done: guests ring. */
void wake_create_apics();
/* On the vCPU thread, its registers set. 0 or -errno. */
long wake_set_up(Session *s);
/* Before the vCPU goes, or goes to the next session. */
void wake_end(Session *s);
/* The guest halts, or is about to: any thread. */
void wake_vcpu(Session *s);
/* Its vCPU, that is new or was stopped, neither halts nor waits to be started when it runs next. 0 or -errno. */
long wake_up(const Session *s);

} // namespace decouple

#endif
