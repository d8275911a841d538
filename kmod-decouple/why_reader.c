// SPDX-License-Identifier: GPL-2.0-only
/*
 * Readers of disturbances: each has its own place in every ring, and sees what its process or its rights allow, in its own pid namespace. And the
 * totals in sysfs.
 */
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/kallsyms.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/uaccess.h>

#include "decouple.h"
#include "why_core.h"

struct decouple_why_reader {
	struct decouple_process *process; /* NULL: all */
	struct mutex lock; /* of what follows */
	u64 lost, asked, asked_ns, unplaced; /* what was there before, but for the first */
	u64 unplaced_seen; /* when it last looked for other cores */
	struct decouple_why_record record;
	struct decouple_disturbance out;
	char name[KSYM_SYMBOL_LEN];
	u64 at[]; /* by core: the next record */
};

static struct decouple_why_core *core_of(unsigned int cpu)
{
	return smp_load_acquire(per_cpu_ptr(&decouple_why_cores, cpu)); /* pairs with why.c: make_core */
}

static const struct decouple_why_asked *asked_of(const struct decouple_why_reader *r)
{
	return r->process ? &r->process->why_asked : &decouple_why_asked;
}

struct decouple_why_reader *decouple_why_open(struct decouple_process *process)
{
	struct decouple_why_reader *r = kvzalloc(struct_size(r, at, nr_cpu_ids), GFP_KERNEL_ACCOUNT);
	struct decouple_why_core *c;
	unsigned int cpu;
	int err;

	if (!r)
		return ERR_PTR(-ENOMEM);
	err = decouple_why_on();
	if (err) {
		kvfree(r);
		return ERR_PTR(err);
	}
	mutex_init(&r->lock);
	r->process = process;
	r->asked = (u64)atomic64_read(&asked_of(r)->count);
	r->asked_ns = (u64)atomic64_read(&asked_of(r)->ns);
	r->unplaced = r->unplaced_seen = (u64)atomic64_read(&decouple_why_unplaced);
	for_each_possible_cpu(cpu)
	{
		c = core_of(cpu);
		if (c)
			r->at[cpu] = smp_load_acquire(&c->head);
	}
	return r;
}

void decouple_why_close(struct decouple_why_reader *r)
{
	decouple_why_off();
	kvfree(r);
}

void decouple_why_counts(struct decouple_why_reader *r, struct decouple_why_counts *counts)
{
	mutex_lock(&r->lock);
	counts->lost = r->lost + (u64)atomic64_read(&decouple_why_unplaced) - r->unplaced;
	counts->self_initiated = (u64)atomic64_read(&asked_of(r)->count) - r->asked;
	counts->self_initiated_ns = (u64)atomic64_read(&asked_of(r)->ns) - r->asked_ns;
	counts->tells = decouple_why_tells() | (decouple_why_smis ? DECOUPLE_WHY_SMIS : 0);
	counts->probes = decouple_why_probes();
	mutex_unlock(&r->lock);
}

/* The next record of that core that concerns the reader; false: none. */
static bool take(struct decouple_why_reader *r, unsigned int cpu)
{
	struct decouple_why_core *c = core_of(cpu);
	u64 head;

	if (!c)
		return false;
	for (;;) {
		head = smp_load_acquire(&c->head); /* pairs with why.c: finish */
		if (head - r->at[cpu] >= DECOUPLE_WHY_RING) { /* the oldest is the one that is written next */
			r->lost += head - r->at[cpu] - (DECOUPLE_WHY_RING - 1);
			r->at[cpu] = head - (DECOUPLE_WHY_RING - 1);
		}
		if (head == r->at[cpu])
			return false;
		r->record = c->ring[r->at[cpu] & (DECOUPLE_WHY_RING - 1)];
		smp_rmb(); /* the copy is over before the head is read again */
		if (READ_ONCE(c->head) - r->at[cpu] >= DECOUPLE_WHY_RING)
			continue; /* torn; counted as lost above */
		r->at[cpu]++;
		if (!r->process || r->record.process == r->process)
			return true;
	}
}

/* A task's number in the reader's pid namespace. It may have ended: in the initial one it is known still. */
static pid_t as_seen(pid_t number)
{
	struct pid_namespace *ns = task_active_pid_ns(current);
	pid_t seen;

	if (ns == &init_pid_ns)
		return number;
	rcu_read_lock();
	seen = pid_nr_ns(find_pid_ns(number, &init_pid_ns), ns);
	rcu_read_unlock();
	return seen;
}

/* As in /proc/softirqs; the kernel's own table is not exported. */
static const char *const softirqs[NR_SOFTIRQS] = {
	[HI_SOFTIRQ] = "HI",           [TIMER_SOFTIRQ] = "TIMER", [NET_TX_SOFTIRQ] = "NET_TX",
	[NET_RX_SOFTIRQ] = "NET_RX",   [BLOCK_SOFTIRQ] = "BLOCK", [IRQ_POLL_SOFTIRQ] = "IRQ_POLL",
	[TASKLET_SOFTIRQ] = "TASKLET", [SCHED_SOFTIRQ] = "SCHED", [HRTIMER_SOFTIRQ] = "HRTIMER",
	[RCU_SOFTIRQ] = "RCU",
};

/* Never the address itself, which a function of a module that has gone would show. */
static void name_function(struct decouple_why_reader *r, const void *function, char *to)
{
	sprint_symbol_no_offset(r->name, (unsigned long)function);
	if (strncmp(r->name, "0x", 2))
		strscpy(to, r->name, DECOUPLE_CAUSE_NAME);
}

static void translate_cause(struct decouple_why_reader *r, const struct decouple_why_cause *from, struct decouple_cause *to)
{
	to->kind = from->kind;
	to->number = from->number;
	to->core = from->core;
	to->address = from->address;
	to->flags = from->own ? DECOUPLE_CAUSE_OWN : 0;
	if (from->pid)
		to->pid = as_seen(from->pid);
	if (from->kind == DECOUPLE_CAUSE_SOFTIRQ && from->number < NR_SOFTIRQS)
		strscpy(to->name, softirqs[from->number] ?: "", sizeof(to->name));
	else if (from->function)
		name_function(r, from->function, to->name);
	else if (from->kind != DECOUPLE_CAUSE_SWITCH || !from->pid ||
		 to->pid) /* of a task that the reader can't see, nothing */
		strscpy(to->name, from->name, sizeof(to->name));
}

static void look_again(struct decouple_why_reader *r)
{
	u64 unplaced = (u64)atomic64_read(&decouple_why_unplaced);

	if (unplaced == r->unplaced_seen)
		return;
	r->unplaced_seen = unplaced;
	decouple_why_look_again();
}

static void translate(struct decouple_why_reader *r)
{
	const struct decouple_why_record *from = &r->record;
	struct decouple_disturbance *to = &r->out;
	unsigned int i;

	memset(to, 0, sizeof(*to));
	to->time = from->time;
	to->duration = from->duration;
	to->pid = as_seen(from->pid);
	to->tid = as_seen(from->tid);
	to->core = from->core;
	to->exit = from->exit;
	to->flags = from->flags;
	to->count = from->count;
	to->more = from->more;
	for (i = 0; i < from->count; i++)
		translate_cause(r, &from->causes[i], &to->causes[i]);
}

ssize_t decouple_why_read(struct decouple_why_reader *r, char __user *to, size_t size)
{
	size_t done = 0;
	unsigned int cpu;
	int err = 0;

	if (size < sizeof(r->out))
		return -EINVAL;
	if (mutex_lock_interruptible(&r->lock))
		return -EINTR;
	look_again(r);
	for_each_possible_cpu(cpu)
	{
		while (!err && size - done >= sizeof(r->out) && take(r, cpu)) {
			translate(r);
			if (copy_to_user(to + done, &r->out, sizeof(r->out)))
				err = -EFAULT;
			else
				done += sizeof(r->out);
			if (signal_pending(current))
				err = -EINTR;
			cond_resched();
		}
	}
	mutex_unlock(&r->lock);
	return done ? (ssize_t)done : err ?: -EAGAIN;
}

/* As in `decouple why --json`. */
static const char *const kinds[DECOUPLE_CAUSE_KINDS] = {
	"unknown",      "local_timer", "reschedule", "call_function", "irq_work",   "thermal", "threshold", "deferred_error",
	"platform_ipi", "apic_error",  "spurious",   "irq",           "nmi",        "smi",     "softirq",   "switch",
	"hrtimer",      "timer",       "work",       "function",      "page_fault", "kick",    "unmap",     "moved",
};

ssize_t decouple_why_show(struct decouple_session *s, char *page)
{
	const struct decouple_why_total *total;
	unsigned int kind;
	int n = 0;

	for (kind = 0; kind < DECOUPLE_CAUSE_KINDS; kind++) {
		total = &s->why.totals[kind];
		if (READ_ONCE(total->count))
			n += sysfs_emit_at(page, n, "%s %llu %llu %llu\n", kinds[kind], READ_ONCE(total->count),
					   READ_ONCE(total->sum_ns), READ_ONCE(total->max_ns));
	}
	return n;
}
