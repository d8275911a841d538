/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Attribution on one core: what was seen there since a vCPU thread of ours last entered the guest, and the ring of records.
 *
 * Everything here is written on its own core: causes by probes, which nest as the contexts do (task, softirq, interrupt, NMI), the rest at an
 * entry, with interrupts off. Only the inbox is written by others. No locks.
 */
#ifndef KMOD_DECOUPLE_WHY_CORE_H
#define KMOD_DECOUPLE_WHY_CORE_H

#include <linux/atomic.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <asm/local.h>

#include "why.h"

#define DECOUPLE_WHY_RING 512 /* records: a power of two */
#define DECOUPLE_WHY_INBOX 8 /* IPIs under way: a power of two */

/* As seen: the reader looks up the names of functions. */
struct decouple_why_cause {
	enum decouple_cause_kind kind;
	u32 number;
	int core;
	pid_t pid; /* in the initial namespace */
	bool own;
	unsigned long address;
	const void *function; /* NULL: see name */
	char name[24];
};

struct decouple_why_record {
	u64 time, duration;
	const struct decouple_process *process; /* identity */
	pid_t pid, tid; /* in the initial namespace */
	unsigned int core, flags, count, more;
	enum decouple_exit exit;
	struct decouple_why_cause causes[DECOUPLE_CAUSES];
};

/* Senders share a slot only when more IPIs are under way than there are slots: then the older one stays without a sender. */
struct decouple_why_sent {
	enum decouple_cause_kind kind; /* last, with release; 0: none, or taken */
	u64 time;
	int core;
	pid_t pid;
	bool own;
	const void *function;
};

struct decouple_why_core {
	/* Since the last entry. */
	const struct task_struct *task; /* identity of the vCPU thread; NULL: none was here yet, nothing is looked at */
	const struct mm_struct *mm; /* identity */
	pid_t pid;
	char comm[TASK_COMM_LEN];
	local_t count; /* of causes, stored or not */
	u64 first; /* time of the first one */
	bool asked, returned; /* the guest asked for the exit; KVM_RUN returned */
	struct decouple_why_cause causes[DECOUPLE_CAUSES];

	u64 smis; /* MSR_SMI_COUNT as of the last record */
	bool smis_known;

	atomic_t sent;
	struct decouple_why_sent inbox[DECOUPLE_WHY_INBOX];

	u64 head; /* of the ring, with release: records ever written */
	struct decouple_why_record ring[DECOUPLE_WHY_RING];
};

/* NULL: no vCPU thread is to come there. They stay as long as attribution is on. */
DECLARE_PER_CPU(struct decouple_why_core *, decouple_why_cores);

extern bool decouple_why_smis; /* MSR_SMI_COUNT is there */
extern struct decouple_why_asked decouple_why_asked; /* of all processes */
extern atomic64_t decouple_why_unplaced; /* disturbances on cores that have none */

static inline u64 decouple_why_now(void)
{
	return ktime_get_mono_fast_ns(); /* also in NMI */
}

/* why.c; counted, may sleep. -ENODEV: kvm is not loaded. */
int decouple_why_on(void);
void decouple_why_off(void);
void decouple_why_look_again(void); /* while it is on: vCPU threads may have come to other cores; may sleep */
/* Another cause, zeroed; NULL: no room. On c's core, preemption off. */
struct decouple_why_cause *decouple_why_add(struct decouple_why_core *c, enum decouple_cause_kind kind);
/* The address in the process of one in the guest. */
unsigned long decouple_why_address(struct kvm_vcpu *vcpu, u64 address);

/* why_probes.c; while kvm is held. What this kernel doesn't have is not seen, and no error. */
void decouple_why_probes_register(void);
void decouple_why_probes_unregister(void); /* waits until the last one is over */
unsigned int decouple_why_probes(void); /* registered ones */
u32 decouple_why_tells(void); /* of DECOUPLE_WHY_*, those that the probes bring */

#endif
