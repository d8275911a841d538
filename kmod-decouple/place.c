// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where vCPU threads run: on a core that a controller has permitted, also outside their process's own cpuset, which stays what it is. Whatever
 * moves such a thread away, it is brought back: a change of cpusets resets the affinities of all threads in them.
 */
#include <linux/cpumask.h>
#include <linux/irq_work.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

#include "decouple.h"

#define NOWHERE (-1)

/* Who brings a thread back: the module's work, and the thread itself when it comes out of the guest. One does, and counts it. */
static DEFINE_MUTEX(returning);

static long put_on_core(struct decouple_session *s, struct task_struct *t, unsigned int core)
{
	const struct cpumask *mask = cpumask_of(core);
	long err = 0;

	mutex_lock(&returning);
	if (!cpumask_equal(&t->cpus_mask, mask)) {
		err = set_cpus_allowed_ptr(t, mask);
		if (!err && s->placed == (int)core && READ_ONCE(s->vcpu) == t)
			WRITE_ONCE(s->returns, s->returns + 1);
	}
	mutex_unlock(&returning);
	return err;
}

/* The vCPU thread, referenced, if it is to be brought back; or NULL. */
static struct task_struct *strayed_thread(struct decouple_session *s)
{
	struct task_struct *t;

	raw_spin_lock_irq(&s->lock);
	t = s->vcpu;
	if (t && !READ_ONCE(s->ended) && !(READ_ONCE(t->flags) & PF_EXITING) && READ_ONCE(t->mm) == s->process->mm)
		get_task_struct(t);
	else
		t = NULL;
	raw_spin_unlock_irq(&s->lock);
	return t;
}

/* In vain when the core is about to go offline: hotplug.c has the process give its threads back then. */
static void bring_back(struct work_struct *work)
{
	struct decouple_session *s = container_of(work, struct decouple_session, bring_back);
	struct task_struct *t = strayed_thread(s);

	if (t) {
		put_on_core(s, t, (unsigned int)READ_ONCE(s->placed));
		put_task_struct(t);
	}
	decouple_session_put(s);
}

/* A place where work can be queued. The reference of `strayed` goes on with the work, unless that waits already. */
static void queue_return(struct irq_work *strayed)
{
	struct decouple_session *s = container_of(strayed, struct decouple_session, strayed);

	if (!decouple_session_queue(&s->bring_back))
		decouple_session_put(s);
}

void decouple_place_init(struct decouple_session *s)
{
	s->placed = NOWHERE;
	s->strayed = IRQ_WORK_INIT_HARD(queue_return);
	INIT_WORK(&s->bring_back, bring_back);
}

/* Under its run queue's lock nothing can be done but to have it done. */
void decouple_place_switched_in(struct task_struct *next)
{
	struct decouple_session *s = decouple_session_of_vcpu(next);
	int core = s ? READ_ONCE(s->placed) : NOWHERE;

	/* A change of cpusets may leave it where it is and let it go elsewhere from now on. */
	if (core == NOWHERE || next->flags & PF_EXITING || (core == smp_processor_id() && next->nr_cpus_allowed == 1))
		return;
	if (refcount_inc_not_zero(&s->ref) && !irq_work_queue(&s->strayed))
		decouple_session_put(s);
}

long decouple_place(struct decouple_session *s, u64 core)
{
	struct task_struct *vcpu;
	bool others;
	long err;

	if (core >= nr_cpu_ids || !cpu_possible((unsigned int)core))
		return -EINVAL;
	if (!decouple_process_permits(s->process, cpumask_of((unsigned int)core)))
		return -EPERM;
	if (!cpu_online((unsigned int)core))
		return -ENODEV;
	raw_spin_lock_irq(&s->lock);
	vcpu = s->vcpu;
	others = vcpu && vcpu != current && !(READ_ONCE(vcpu->flags) & PF_EXITING);
	raw_spin_unlock_irq(&s->lock);
	if (others)
		return -EBUSY;
	err = put_on_core(s, current, (unsigned int)core);
	if (err)
		return err == -EINVAL ? -ENODEV : err; /* it goes offline */
	WRITE_ONCE(s->placed, (int)core);
	raw_spin_lock_irq(&s->lock);
	if (s->vcpu == current)
		WRITE_ONCE(s->core, (unsigned int)core);
	raw_spin_unlock_irq(&s->lock);
	return 0;
}
