// SPDX-License-Identifier: GPL-2.0-only
/*
 * One processor's tick advances jiffies (tick_do_timer_cpu, kernel/time/tick-sched.c); since Linux 6.9 one of each eight or so also runs the
 * timers of those that are idle (the migrator, kernel/time/timer_migration.c). Both duties are dropped by who stops its tick in idle, and
 * taken by who ticks next. A core that is hushed would be served late with either, and others with it: jiffies in steps of five ticks,
 * which is when ticks elsewhere lose patience; timers of idle cores as late as the interval.
 *
 * So one core in each such eight that has a hushed one, and one in all, keeps its tick also when it is idle, by a timer that is always due
 * at the next one (a keeper): it drops neither duty. And the core to be hushed stops its tick once, by being idle for some ticks: it drops both.
 */
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/hardirq.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>
#include <linux/timer.h>
#include <linux/topology.h>

#include "compat.h"
#include "timekeeper.h"

#define GROUP 8 /* of the kernel's timer migration: TMIGR_CHILDREN_PER_GROUP */
#define TRIES 8
#define LOOKS 8
#define IDLE_TICKS 8

static DEFINE_PER_CPU(struct timer_list, keepers);
static struct cpumask keeping; /* processors whose keepers run */
static DEFINE_MUTEX(lock); /* of keeping */

/* The wheel fires a tick later than it is told, so as not to be early. */
static void keep(struct timer_list *timer)
{
	mod_timer(timer, jiffies);
}

static void start(unsigned int cpu)
{
	struct timer_list *timer = per_cpu_ptr(&keepers, cpu);

	timer_setup(timer, keep, TIMER_PINNED);
	timer->expires = jiffies;
	add_timer_on(timer, cpu);
	cpumask_set_cpu(cpu, &keeping);
}

/* The kernel fills its groups within a NUMA node in the order in which processors first come online, which is that of their numbers. */
static unsigned int group_of(unsigned int cpu)
{
	unsigned int other, rank = 0;

	for_each_possible_cpu(other) if (other < cpu && cpu_to_node(other) == cpu_to_node(cpu)) rank++;
	return rank / GROUP;
}

static bool same_group(unsigned int a, unsigned int b)
{
	return cpu_to_node(a) == cpu_to_node(b) && group_of(a) == group_of(b);
}

static unsigned int keeper_for(unsigned int core, const struct cpumask *hushed)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) if (!cpumask_test_cpu(cpu, hushed) && same_group(cpu, core)) return cpu;
	return nr_cpu_ids; /* all are hushed: late for each other */
}

static void choose(const struct cpumask *hushed, struct cpumask *chosen)
{
	unsigned int core, cpu;

	cpumask_clear(chosen);
	for_each_cpu(core, hushed)
	{
		cpu = keeper_for(core, hushed);
		if (cpu < nr_cpu_ids)
			cpumask_set_cpu(cpu, chosen);
	}
	if (cpumask_empty(hushed) || !cpumask_empty(chosen))
		return;
	for_each_online_cpu(cpu)
	{
		if (cpumask_test_cpu(cpu, hushed))
			continue;
		cpumask_set_cpu(cpu, chosen);
		break;
	}
}

int decouple_timekeepers_set(const struct cpumask *hushed)
{
	cpumask_var_t chosen;
	unsigned int cpu;
	int err = 0;

	if (!alloc_cpumask_var(&chosen, GFP_KERNEL))
		return -ENOMEM;
	cpus_read_lock();
	mutex_lock(&lock);
	choose(hushed, chosen);
	if (cpumask_empty(chosen) && !cpumask_empty(hushed))
		err = -EBUSY;
	/* All anew: one whose processor went offline has been moved to another. */
	for_each_cpu(cpu, &keeping) decouple_timer_shutdown(per_cpu_ptr(&keepers, cpu));
	cpumask_clear(&keeping);
	for_each_cpu(cpu, chosen) start(cpu);
	mutex_unlock(&lock);
	cpus_read_unlock();
	free_cpumask_var(chosen);
	return err;
}

/*
 * With ticks of this core out of the question, do jiffies go on? Interrupts are off for three ticks and a half: what they catch up at once,
 * when the other processor was late or lost patience, is one step; patience alone makes no two in that time.
 */
static bool seen_moving(void)
{
	unsigned long seen, now, flags;
	unsigned int steps = 0;
	u64 end;

	local_irq_save(flags);
	seen = READ_ONCE(jiffies);
	end = ktime_get_mono_fast_ns() + 7 * TICK_NSEC / 2;
	while (steps < 2 && ktime_get_mono_fast_ns() < end) {
		now = READ_ONCE(jiffies);
		steps += now != seen;
		seen = now;
		cpu_relax();
	}
	local_irq_restore(flags);
	return steps >= 2;
}

/* An interrupt of an idle processor moves them, too: once is not enough. */
static bool kept_elsewhere(void)
{
	unsigned int look, moving = 0;

	for (look = 0; look < LOOKS && moving < 2; look++) {
		moving += seen_moving();
		cond_resched();
	}
	return moving >= 2;
}

/* Being idle, with nothing due: a thread's own timers are elsewhere, work that is queued here is served first. False: the tick went on. */
static bool rest(void)
{
	unsigned int before = this_cpu_read(irq_stat.apic_timer_irqs);

	play_idle_precise(IDLE_TICKS * TICK_NSEC, U64_MAX);
	return this_cpu_read(irq_stat.apic_timer_irqs) - before < IDLE_TICKS / 2;
}

bool decouple_timekeeper_resign(void)
{
	unsigned int try;

	for (try = 0; try < TRIES; try++) {
		if (rest() && kept_elsewhere())
			return true;
		msleep(100); /* a realtime thread must not take all of a second */
	}
	return false;
}
