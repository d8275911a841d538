/* SPDX-License-Identifier: GPL-2.0-only */
/* Why: what took a core from a vCPU thread that was in guest mode there. */
#ifndef KMOD_DECOUPLE_WHY_H
#define KMOD_DECOUPLE_WHY_H

struct decouple_session;
struct kvm_vcpu;

/* By the session's vCPU thread, around its time in guest mode; under rcu_read_lock(); see guest.c for where that is. */
void decouple_why_enter(struct decouple_session *s);
void decouple_why_leave(struct decouple_session *s, struct kvm_vcpu *vcpu);

#endif
