/* SPDX-License-Identifier: GPL-2.0-only */
/* Hush: the tick of a dedicated core is thinned while a vCPU thread of ours is in guest mode there. */
#ifndef KMOD_DECOUPLE_HUSH_H
#define KMOD_DECOUPLE_HUSH_H

#include <linux/types.h>

struct task_struct;

/* By a vCPU thread of ours, interrupts off, as the last thing before guest mode. */
void decouple_hush_enter(void);
/* Behind guest mode, by any VM's thread; see guest.c for where that is. */
void decouple_hush_leave(void);
/* That task has just had this core; run queue locked. */
void decouple_hush_switched(const struct task_struct *prev);

struct decouple_hush_counts {
	u64 stays; /* in guest mode with what was due put off */
	u64 services; /* ended by our interval */
	u64 ticks; /* that did not come */
	u64 cycles; /* of the TSC, in such stays */
};

/* hush.c: the core itself. All may sleep. */
/* A text: why this kernel or machine can't be hushed at all; NULL: it can. */
const char *decouple_hush_unfit(unsigned int core);
/* By a thread bound to the core, which is off. A text as above. */
const char *decouple_hush_core_prepare(unsigned int milliseconds);
void decouple_hush_core_on(void); /* prepared; by the same thread */
void decouple_hush_core_off(unsigned int core);
/* On the core itself, in no guest: by CPU hotplug. */
void decouple_hush_core_lost(void);
void decouple_hush_core_counts(unsigned int core, struct decouple_hush_counts *counts);

/* hush_cores.c: which cores are hushed; /sys/kernel/decouple/hush and hush_counts. */
int decouple_hush_init(void);
void decouple_hush_exit(void); /* all cores are as ever again */
void decouple_hush_cpu_online(unsigned int cpu);
void decouple_hush_cpu_offline(unsigned int cpu); /* on that processor */

#endif
