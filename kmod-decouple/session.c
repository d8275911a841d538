// SPDX-License-Identifier: GPL-2.0-only
/* Sessions: made by the resident's manager, looked up by every probe, freed when table and hooks have let go. */
#include <linux/cpumask.h>
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "decouple.h"
#include "event.h"

static DEFINE_HASHTABLE(sessions, 8);
static DEFINE_RAW_SPINLOCK(sessions_lock); /* writers of the hash */
static struct workqueue_struct *releases;
static atomic_t session_count = ATOMIC_INIT(0);

bool decouple_any_sessions(void)
{
	return atomic_read(&session_count) != 0;
}

/* Behind an execve(2) the thread may have another session before this one is released. */
static bool is_of(const struct decouple_session *s, const struct task_struct *task)
{
	return s->task == task && READ_ONCE(s->where) != DECOUPLE_GONE;
}

struct decouple_session *decouple_session_of(struct task_struct *task)
{
	struct decouple_session *s;

	if (!decouple_any_sessions())
		return NULL;
	hash_for_each_possible_rcu(sessions, s, by_group, (unsigned long)task->signal) if (is_of(s, task)) return s;
	return NULL;
}

void decouple_sessions_of_group(struct signal_struct *group, void (*each)(struct decouple_session *s, int arg), int arg)
{
	struct decouple_session *s;

	hash_for_each_possible_rcu(sessions, s, by_group, (unsigned long)group) if (s->task->signal == group) each(s, arg);
}

struct decouple_session *decouple_session_helped_by(struct task_struct *task)
{
	struct decouple_session *s;

	hash_for_each_possible_rcu(sessions, s, by_group, (unsigned long)task->signal)
	{
		if (s->task->signal == task->signal && (READ_ONCE(s->vcpu) == task || READ_ONCE(s->process->manager) == task))
			return s;
	}
	return NULL;
}

struct decouple_session *decouple_session_of_vcpu(struct task_struct *task)
{
	struct decouple_session *s;

	if (!decouple_any_sessions())
		return NULL;
	hash_for_each_possible_rcu(sessions, s, by_group, (unsigned long)task->signal) if (READ_ONCE(s->vcpu) == task) return s;
	return NULL;
}

struct decouple_process *decouple_process_of_group(struct signal_struct *group)
{
	struct decouple_session *s;

	if (!decouple_any_sessions())
		return NULL;
	hash_for_each_possible_rcu(sessions, s, by_group, (unsigned long)group) if (s->task->signal == group) return s->process;
	return NULL;
}

void decouple_vcpu_cores(struct cpumask *cores)
{
	struct decouple_session *s;
	unsigned int i;

	rcu_read_lock();
	hash_for_each_rcu(sessions, i, s, by_group)
	{
		raw_spin_lock_irq(&s->lock);
		if (s->vcpu)
			cpumask_or(cores, cores, &s->vcpu->cpus_mask);
		raw_spin_unlock_irq(&s->lock);
	}
	rcu_read_unlock();
	cpumask_and(cores, cores, cpu_possible_mask);
}

struct decouple_session *decouple_session_at(struct decouple_process *p, u64 index)
{
	return index < DECOUPLE_GATE_FRAMES ? rcu_dereference(p->sessions[index]) : NULL;
}

static void release(struct work_struct *work)
{
	struct decouple_session *s = container_of(to_rcu_work(work), struct decouple_session, release);

	decouple_session_doorbell_drop(s);
	decouple_event_drop(s);
	if (s->vcpu)
		put_task_struct(s->vcpu);
	put_task_struct(s->task);
	decouple_process_put(s->process);
	kfree(s);
	module_put(THIS_MODULE); /* decouple_sessions_exit() waits for the rest of this */
}

bool decouple_session_queue(struct work_struct *work)
{
	return queue_work(releases, work);
}

void decouple_session_get(struct decouple_session *s)
{
	refcount_inc(&s->ref);
}

/* From any context: tasks can't be put everywhere. */
void decouple_session_put(struct decouple_session *s)
{
	unsigned long flags;

	if (!refcount_dec_and_test(&s->ref))
		return;
	raw_spin_lock_irqsave(&sessions_lock, flags);
	hash_del_rcu(&s->by_group);
	raw_spin_unlock_irqrestore(&sessions_lock, flags);
	atomic_dec(&session_count);
	INIT_RCU_WORK(&s->release, release);
	queue_rcu_work(releases, &s->release);
}

long decouple_session_add(struct decouple_process *p, u64 index, struct task_struct *task)
{
	struct decouple_session *s, *old;
	bool same = false;
	long err;

	if (index >= DECOUPLE_GATE_FRAMES)
		return -EINVAL;
	if (test_tsk_thread_flag(task, TIF_ADDR32))
		return -ENOEXEC;
	/* It would judge the gate's calls, too. */
	if (test_task_syscall_work(task, SYSCALL_USER_DISPATCH))
		return -EOPNOTSUPP;
	s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	if (!s)
		return -ENOMEM;
	mutex_lock(&p->lock);
	err = -ENXIO;
	if (!p->gate || p->closing)
		goto unlock;
	err = -ENOMEM;
	s->frame = decouple_process_frame(p, index);
	if (!s->frame)
		goto unlock;
	s->process = p;
	s->task = task;
	s->index = (unsigned int)index;
	refcount_set(&s->ref, 1);
	raw_spin_lock_init(&s->lock);
	decouple_hooks_init(s);
	decouple_place_init(s);
	raw_spin_lock_irq(&sessions_lock);
	rcu_read_lock();
	old = rcu_dereference(p->sessions[index]);
	same = old && old->task == task;
	err = old || decouple_session_of(task) ? -EBUSY : 0;
	rcu_read_unlock();
	if (!err) {
		get_task_struct(task);
		decouple_process_get(p);
		__module_get(THIS_MODULE); /* the caller has one: its hooks may outlast the mapping that it came by */
		hash_add_rcu(sessions, &s->by_group, (unsigned long)task->signal);
		rcu_assign_pointer(p->sessions[index], s);
		p->image_size = 0; /* from here on the resident ends itself */
		atomic_inc(&session_count);
	}
	raw_spin_unlock_irq(&sessions_lock);
unlock:
	mutex_unlock(&p->lock);
	if (err)
		kfree(s);
	return same ? 0 : err;
}

long decouple_session_remove(struct decouple_process *p, u64 index)
{
	struct decouple_session *s;

	if (index >= DECOUPLE_GATE_FRAMES)
		return -EINVAL;
	mutex_lock(&p->lock);
	s = rcu_dereference_protected(p->sessions[index], lockdep_is_held(&p->lock));
	if (s) {
		rcu_assign_pointer(p->sessions[index], NULL);
		/* Hooks that are registered go at the next return to user mode; until then the probes must find the session. */
		WRITE_ONCE(s->capture, false);
		WRITE_ONCE(s->ended, true);
		if (xchg(&s->arm, false))
			decouple_session_put(s);
		else if (READ_ONCE(s->hooked) && s->task != current)
			decouple_interrupt_task(p, s->task);
	}
	mutex_unlock(&p->lock);
	if (!s)
		return -EINVAL;
	decouple_directory_remove(s);
	decouple_session_put(s);
	return 0;
}

int decouple_sessions_init(void)
{
	releases = alloc_workqueue("decouple", WQ_UNBOUND, 0);
	return releases ? 0 : -ENOMEM;
}

void decouple_sessions_exit(void)
{
	rcu_barrier(); /* queue_rcu_work() of the last put */
	flush_workqueue(releases);
	destroy_workqueue(releases);
}
