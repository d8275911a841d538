/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Disturbances: what read(2) of /dev/decouple gives behind DECOUPLE_WHY (uapi.h). C and C++.
 *
 * A disturbance is the time from a VM exit of a decoupled thread's vCPU that its own code did not ask for, to its next entry. What the guest
 * asked for (its doorbell, CPUID, a port ...) is no disturbance: it is counted (struct decouple_why_counts). All integers are in the
 * machine's byte order; there are no holes; the sizes never change within one DECOUPLE_ABI_VERSION.
 */
#ifndef DECOUPLE_WHY_H
#define DECOUPLE_WHY_H

#include <linux/types.h>

#define DECOUPLE_CAUSES 8 /* in one record; what came behind them is counted only */
#define DECOUPLE_CAUSE_NAME 48

/* What was seen on the core. In brackets: what the fields of struct decouple_cause hold. */
enum decouple_cause_kind {
	DECOUPLE_CAUSE_UNKNOWN = 0,
	/* Interrupts by the vector that they came by [number the vector]. */
	DECOUPLE_CAUSE_LOCAL_TIMER, /* of the core itself; what it was for follows as HRTIMER */
	DECOUPLE_CAUSE_RESCHEDULE, /* IPI [core, pid and name the sender, its task and function, if known] */
	DECOUPLE_CAUSE_CALL, /* IPI, likewise; what was called follows as FUNCTION */
	DECOUPLE_CAUSE_IRQ_WORK,
	DECOUPLE_CAUSE_THERMAL,
	DECOUPLE_CAUSE_THRESHOLD,
	DECOUPLE_CAUSE_DEFERRED_ERROR,
	DECOUPLE_CAUSE_PLATFORM_IPI,
	DECOUPLE_CAUSE_APIC_ERROR,
	DECOUPLE_CAUSE_SPURIOUS,
	DECOUPLE_CAUSE_IRQ, /* a device [number the IRQ, name as in /proc/interrupts] */
	DECOUPLE_CAUSE_NMI, /* [name the handler] */
	DECOUPLE_CAUSE_SMI, /* [number of them since the record before]: seen afterwards, by their count */
	/* What ran. */
	DECOUPLE_CAUSE_SOFTIRQ, /* [number, name] */
	DECOUPLE_CAUSE_SWITCH, /* the scheduler gave the core to another task [pid, name its comm] */
	DECOUPLE_CAUSE_HRTIMER, /* [name the function] */
	DECOUPLE_CAUSE_TIMER, /* [name the function] */
	DECOUPLE_CAUSE_WORK, /* of a workqueue [name the function] */
	DECOUPLE_CAUSE_FUNCTION, /* called by another core [name] */
	/* The thread and its process. */
	DECOUPLE_CAUSE_PAGE_FAULT, /* KVM had no page for the guest [address the program's, number the error code] */
	DECOUPLE_CAUSE_KICK, /* the process itself had its vCPU stopped: a signal, a recouple, an attach */
	DECOUPLE_CAUSE_UNMAP, /* another thread of the process changed its memory [address the first byte] */
	DECOUPLE_CAUSE_MOVED, /* the vCPU thread left on another core [core] */
	DECOUPLE_CAUSE_KINDS
};

/* What the sender of an IPI, or the task switched to, is to the process. */
#define DECOUPLE_CAUSE_OWN 1u /* a thread of the process itself */

/**
 * struct decouple_cause - one thing that happened on the core
 * @kind: enum decouple_cause_kind
 * @number: see there
 * @core: of an IPI's sender; -1 not known, or no IPI
 * @pid: of a task, in the reader's pid namespace; 0: none, or not to be seen from there
 * @address: of a page fault
 * @flags: DECOUPLE_CAUSE_OWN
 * @reserved: zero
 * @name: with a terminating zero; empty: not known
 */
struct decouple_cause {
	__u32 kind;
	__u32 number;
	__s32 core;
	__s32 pid;
	__u64 address;
	__u32 flags;
	__u32 reserved;
	char name[DECOUPLE_CAUSE_NAME];
};

/* Why the guest was left, as far as KVM's counters tell. */
enum decouple_exit {
	DECOUPLE_EXIT_OTHER = 0,
	DECOUPLE_EXIT_INTERRUPT,
	DECOUPLE_EXIT_NMI,
	DECOUPLE_EXIT_PAGE_FAULT,
	DECOUPLE_EXIT_ASKED, /* by the guest: never in a record */
};

#define DECOUPLE_DISTURBANCE_USER 1u /* KVM_RUN returned to user space before the next entry */

/**
 * struct decouple_disturbance - one record
 * @time: CLOCK_MONOTONIC in ns, of the exit, or of the first cause if that was seen before it
 * @duration: ns until the next entry
 * @pid: process of the home thread, in the reader's pid namespace; 0: not to be seen from there
 * @tid: home thread, likewise
 * @core: of the vCPU thread at the next entry
 * @exit: enum decouple_exit
 * @flags: DECOUPLE_DISTURBANCE_*
 * @count: causes that follow, in the order in which they were seen: the first is the cause
 * @more: causes that there was no room for
 * @reserved: zero
 * @causes: those behind @count are zero
 */
struct decouple_disturbance {
	__u64 time;
	__u64 duration;
	__s32 pid;
	__s32 tid;
	__u32 core;
	__u32 exit;
	__u32 flags;
	__u32 count;
	__u32 more;
	__u32 reserved[5];
	struct decouple_cause causes[DECOUPLE_CAUSES];
};

#ifdef __cplusplus
static_assert(sizeof(struct decouple_cause) == 80, "part of the interface");
static_assert(sizeof(struct decouple_disturbance) == 704, "part of the interface");
#else
_Static_assert(sizeof(struct decouple_cause) == 80, "part of the interface");
_Static_assert(sizeof(struct decouple_disturbance) == 704, "part of the interface");
#endif

#endif
