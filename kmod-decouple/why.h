/* SPDX-License-Identifier: GPL-2.0-only */
/* Why: what took a core from a vCPU thread that was in guest mode there. The records and calls are those of decouple/why.h and uapi.h. */
#ifndef KMOD_DECOUPLE_WHY_H
#define KMOD_DECOUPLE_WHY_H

#include <linux/types.h>

#include "../include/decouple/uapi.h"
#include "../include/decouple/why.h"

struct cpumask;
struct decouple_process;
struct decouple_session;
struct decouple_why_reader;
struct kvm_vcpu;

/* Exits that the guest asked for while attribution was on, of a process. */
struct decouple_why_asked {
	atomic64_t count, ns;
};

/* By first cause. */
struct decouple_why_total {
	u64 count, sum_ns, max_ns;
};

/* Of a session: its vCPU thread's own, but for the last field. */
struct decouple_why_thread {
	u64 epoch; /* of attribution at the last entry: of another one, the rest means nothing */
	u64 left; /* ns; 0: in the guest */
	unsigned int core; /* of the last entry */
	u64 interrupts, asked, flushes; /* KVM's counts at the last entry */
	struct decouple_why_total totals[DECOUPLE_CAUSE_KINDS]; /* since the session began */
	u64 unmapped_seen; /* the process's why_unmapped_at as of the last flush */
	bool kicked; /* set by anybody: a kick is under way */
};

/* By the session's vCPU thread, around its time in guest mode; under rcu_read_lock(); see guest.c for where that is. */
void decouple_why_enter(struct decouple_session *s, struct kvm_vcpu *vcpu);
void decouple_why_leave(struct decouple_session *s, struct kvm_vcpu *vcpu);

/* For sysfs: the session's totals, a line for each kind of first cause that there was. */
ssize_t decouple_why_show(struct decouple_session *s, char *page);

/* A vCPU thread may come to these cores; may sleep. */
void decouple_why_prepare(const struct cpumask *cores);

/* Switches attribution on while it lives. NULL: of all processes; the caller keeps it referenced. Returns an ERR_PTR() as DECOUPLE_WHY does. */
struct decouple_why_reader *decouple_why_open(struct decouple_process *process);
void decouple_why_close(struct decouple_why_reader *r);
ssize_t decouple_why_read(struct decouple_why_reader *r, char __user *to, size_t size);
void decouple_why_counts(struct decouple_why_reader *r, struct decouple_why_counts *counts);

#endif
