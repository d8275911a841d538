// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a hushed core does differently while a vCPU thread of ours is in guest mode: the kernel's next timer interrupt is put off until the
 * interval is over (apic_timer.c), and RCU does not wait for the core, as if it were idle. Both end with the guest's exit, whatever made it
 * exit: what is overdue is served at once.
 *
 * RCU. decouple_hush_enter() and decouple_hush_leave() enclose an extended quiescent state, and the thread is marked PF_IDLE in between, so that
 * the interrupt entry code has RCU watch in interrupts (irqentry_enter()); NMIs always do. The idle loop and play_idle_precise() do the
 * same. What runs in that state besides the guest, in Linux 6.1 and 6.12 (arch/x86/kvm):
 *
 *   from the tracepoint kvm_entry to VMRUN or VMLAUNCH: interrupts off, no RCU but rcu_virt_note_context_switch(), which finds that
 *     nothing is asked of this core: ct_idle_enter() has reported what was. Tracepoints: write_msr and read_msr (speculation control, XSS)
 *     and rcu_utilization; while anybody listens to those, the core is not hushed. (ipi_send_cpu: see guest.c.)
 *   from the exit to kvm_exit: the same, with interrupts off, on VMX and from Linux 6.10 on SVM.
 *   SVM before 6.10 enables interrupts first, serves what is pending, enables preemption and takes KVM's SRCU, which needs no RCU. A preempt
 *     count of ours keeps the scheduler away until kvm_exit: svm_handle_exit() begins with it.
 *   the tracepoints themselves: the list of their probes is read without RCU's protection on the way out of the last probe, and into
 *     the first. The kernel frees such a list behind a grace period of RCU and one of tracepoint_srcu, whose reader we are meanwhile. So who
 *     takes a probe from any tracepoint waits until our guest exits: an interval at most.
 *
 * On VMX an entry that the processor refuses (VMfailInvalid: a defect of KVM) does not come to kvm_exit and would leave the core in this state.
 * Tasks-RCU takes the thread for quiescent as well; its rude flavour, for which trampolines wait, switches every core's context, ours too.
 * membarrier(2)'s MEMBARRIER_CMD_GLOBAL is a grace period: the guest executes no barrier for it (nor would it in user mode with nohz_full,
 * where Linux refuses the call for that reason). The expedited commands interrupt, as ever.
 *
 * Both probes may come without the other one: a fast exit re-enters past kvm_exit, other VMs' threads leave. `in` makes them idempotent.
 */
#include <linux/context_tracking.h>
#include <linux/hardirq.h>
#include <linux/kernel_stat.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/sched/stat.h>
#include <linux/smp.h>
#include <linux/delay.h>
#include <linux/tick.h>
#include <linux/tracepoint.h>
#include <asm/msr.h>
#include <asm/tsc.h>

#include <decouple/uapi.h>
#include "apic_timer.h"
#include "compat.h"
#include "hush.h"

#if DECOUPLE_HUSH

/*
 * Ticks that a core gets before its tick is put off, behind an exit that was not for a timer, and behind another task: timers of a few ticks
 * that were armed here, and RCU callbacks, are done by then. The thread that drives grace periods sleeps for one to four.
 */
#define CALM_TASK 10
#define CALM 3

/*
 * The interval is that of disturbances in the mean: stays last for one more, and never for more than that, until those are made up for which
 * came sooner. More of them than DEBT are forgotten.
 */
#define DEBT 32

/* Read and written by the core itself, interrupts or preemption off, but where it says so. */
struct core {
	bool on; /* cleared by others as well */
	bool in; /* the state above; others look */
	int srcu;
	unsigned int milliseconds; /* the interval */
	unsigned int restless; /* ticks that are to come first */
	unsigned int debt; /* intervals without a disturbance that are to be made up for */
	unsigned int timers; /* timer interrupts until the last entry */
	const struct task_struct *thread; /* that entered last; for comparison only */
	u64 entered; /* TSC */
	u64 interval; /* TSC cycles */
	struct decouple_apic_timer timer;
	struct decouple_hush_counts counts; /* others look */
};
static DEFINE_PER_CPU(struct core, cores);

/* On the way into the guest and out of it. */
static struct {
	const char *name;
	struct tracepoint *tp;
} listened[] = {{"write_msr"}, {"read_msr"}, {"rcu_utilization"}};

static void found(struct tracepoint *tp, void *unused)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(listened); i++)
		if (!strcmp(tp->name, listened[i].name))
			listened[i].tp = tp;
}

static bool anybody_listens(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(listened); i++)
		if (listened[i].tp && static_key_enabled(&listened[i].tp->key))
			return true;
	return false;
}

static u64 tick_cycles(void)
{
	return (u64)tsc_khz * 1000 / HZ;
}

/*
 * What has the last stay ended with? With the timer's interrupt, which has been served by now, or with something else. How long it was doesn't
 * tell: a tick may be due a moment behind the last one, when that was late.
 */
static void settle_down(struct core *c)
{
	unsigned int timers = this_cpu_read(irq_stat.apic_timer_irqs);
	unsigned int ticks = timers - c->timers;

	c->timers = timers;
	if (ticks)
		c->restless -= min(c->restless, ticks);
	else
		c->restless = max(c->restless, (unsigned int)CALM);
	c->debt = min(c->debt + max(ticks, 1u), (unsigned int)DEBT);
}

/* How long this stay is to be. The disturbance that ends it is in the debt, too, when it is over. */
static unsigned int stay(const struct core *c)
{
	return min(c->milliseconds * (c->debt > 1 ? 2u : 1u), (unsigned int)DECOUPLE_HUSH_MS_MAX);
}

/* With another task waiting for the core, the tick is what makes the thread yield. */
notrace void decouple_hush_enter(void)
{
	struct core *c = this_cpu_ptr(&cores);

	if (c->in || !READ_ONCE(c->on))
		return;
	settle_down(c);
	c->entered = rdtsc();
	c->thread = current;
	if (c->restless || current->nr_cpus_allowed != 1 || !single_task_running() || anybody_listens() ||
	    !decouple_apic_timer_put_off(&c->timer, stay(c)))
		return;
	preempt_disable_notrace();
	c->srcu = srcu_read_lock_notrace(&tracepoint_srcu);
	__release(&tracepoint_srcu); /* for sparse: leave() does */
	current->flags |= PF_IDLE;
	WRITE_ONCE(c->in, true);
	ct_idle_enter(); /* nothing behind it */
}

/*
 * The tick counts one tick of CPU time, however late it comes: the others are counted here, as it would have. What the scheduler itself counts
 * (sum_exec_runtime, of which utime and stime are shares) is right without.
 */
static void account(struct core *c, u64 passed)
{
	u64 due = decouple_apic_timer_due(&c->timer);
	u64 ticks, ns;

	if (passed <= due)
		return;
	ticks = div64_u64(passed - due, tick_cycles());
	ns = ticks * TICK_NSEC;
	c->counts.ticks += ticks;
	current->utime += ns;
	current->gtime += ns;
	__this_cpu_add(kernel_cpustat.cpustat[task_nice(current) > 0 ? CPUTIME_NICE : CPUTIME_USER], ns);
	__this_cpu_add(kernel_cpustat.cpustat[task_nice(current) > 0 ? CPUTIME_GUEST_NICE : CPUTIME_GUEST], ns);
}

static void leave(struct core *c, u64 passed)
{
	unsigned long flags;

	current->flags &= ~PF_IDLE;
	__acquire(&tracepoint_srcu);
	srcu_read_unlock_notrace(&tracepoint_srcu, c->srcu);
	local_irq_save(flags);
	decouple_apic_timer_put_back(&c->timer);
	account(c, passed);
	c->counts.stays++;
	c->counts.services += passed >= c->interval;
	c->debt -= min_t(u64, c->debt, div64_u64(passed, c->interval));
	c->counts.cycles += passed;
	WRITE_ONCE(c->in, false);
	local_irq_restore(flags);
	preempt_enable_notrace();
}

notrace void decouple_hush_leave(void)
{
	struct core *c = this_cpu_ptr(&cores);

	if (c->in) {
		ct_idle_exit(); /* nothing before it */
		leave(c, rdtsc() - c->entered);
	}
}

/*
 * Those that come to a hushed core with our service, as a rule: the stopper, which does somebody else's bidding at once (every 4 s for the
 * watchdog), and workers (every second for vm.stat_interval).
 */
static bool passing(const struct task_struct *task)
{
	return is_idle_task(task) || task->flags & PF_WQ_WORKER ||
	       (task->flags & PF_KTHREAD && task->rt_priority == MAX_RT_PRIO - 1);
}

void decouple_hush_switched(const struct task_struct *prev)
{
	struct core *c = this_cpu_ptr(&cores);

	if (READ_ONCE(c->on) && prev != c->thread && !passing(prev))
		c->restless = CALM_TASK;
}

const char *decouple_hush_unfit(unsigned int core)
{
	if (IS_ENABLED(CONFIG_PROVE_RCU) || IS_ENABLED(CONFIG_RCU_EQS_DEBUG) || IS_ENABLED(CONFIG_TRACE_IRQFLAGS))
		return "the kernel checks for states like this (CONFIG_PROVE_RCU, CONFIG_RCU_EQS_DEBUG or "
		       "CONFIG_TRACE_IRQFLAGS)";
	if (!IS_ENABLED(CONFIG_PREEMPT_RCU))
		return "the kernel has no preemptible RCU (CONFIG_PREEMPT_RCU)";
	if (tick_nohz_full_cpu((int)core))
		return "it is not needed: the core is in nohz_full=";
	if (tick_nohz_full_enabled())
		return "there are nohz_full= cores: name this one there, too";
	if (check_tsc_unstable())
		return "the TSC is not stable, so that clocks depend on the tick";
	return NULL;
}

const char *decouple_hush_core_prepare(unsigned int milliseconds)
{
	struct core *c;
	const char *why;

	for_each_kernel_tracepoint(found, NULL);
	local_irq_disable();
	c = this_cpu_ptr(&cores);
	why = decouple_apic_timer_probe(&c->timer);
	c->milliseconds = milliseconds;
	c->interval = (u64)milliseconds * tsc_khz / 100 * 99; /* the two clocks differ a little */
	local_irq_enable();
	return why;
}

void decouple_hush_core_on(void)
{
	this_cpu_write(cores.restless, CALM_TASK);
	this_cpu_write(cores.debt, 0);
	this_cpu_write(cores.timers, this_cpu_read(irq_stat.apic_timer_irqs));
	this_cpu_write(cores.on, true);
}

static void nothing(void *unused) {}

/* The interrupt makes a guest exit, and comes to kvm_exit a moment later, or sooner. */
void decouple_hush_core_off(unsigned int core)
{
	struct core *c = per_cpu_ptr(&cores, core);

	WRITE_ONCE(c->on, false);
	smp_call_function_single((int)core, nothing, NULL, true); /* offline: it is in no guest */
	while (READ_ONCE(c->in))
		usleep_range(20, 100);
}

void decouple_hush_core_lost(void)
{
	this_cpu_write(cores.on, false);
}

void decouple_hush_core_counts(unsigned int core, struct decouple_hush_counts *counts)
{
	*counts = per_cpu_ptr(&cores, core)->counts; /* of this moment, more or less */
}

#else

void decouple_hush_enter(void) {}

void decouple_hush_leave(void) {}

const char *decouple_hush_unfit(unsigned int core)
{
	return "this version of Linux was not looked at for it: 6.1 to 6.12 were";
}

const char *decouple_hush_core_prepare(unsigned int milliseconds)
{
	return decouple_hush_unfit(0);
}

void decouple_hush_core_on(void) {}

void decouple_hush_core_off(unsigned int core) {}

void decouple_hush_core_lost(void) {}

void decouple_hush_core_counts(unsigned int core, struct decouple_hush_counts *counts)
{
	memset(counts, 0, sizeof(*counts));
}

#endif
