// SPDX-License-Identifier: GPL-2.0-only
/* Sessions: made by the resident's manager, looked up by every probe, freed when table and hooks have let go. */
#include <linux/hashtable.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "decouple.h"

static DEFINE_HASHTABLE(sessions, 8);
static DEFINE_SPINLOCK(sessions_lock); /* writers of the hash */
static struct workqueue_struct *releases;
static atomic_t session_count = ATOMIC_INIT(0);

bool decouple_any_sessions(void)
{
	return atomic_read(&session_count) != 0;
}

struct decouple_session *decouple_session_of(struct task_struct *task)
{
	struct decouple_session *s;

	if (!decouple_any_sessions())
		return NULL;
	hash_for_each_possible_rcu(sessions, s, by_group, (unsigned long)task->signal) if (s->task == task) return s;
	return NULL;
}

void decouple_sessions_of_group(struct signal_struct *group, void (*each)(struct decouple_session *s, int arg), int arg)
{
	struct decouple_session *s;

	hash_for_each_possible_rcu(sessions, s, by_group, (unsigned long)group) if (s->task->signal == group) each(s, arg);
}

struct decouple_session *decouple_session_at(struct decouple_process *p, u64 index)
{
	return index < DECOUPLE_GATE_FRAMES ? rcu_dereference(p->sessions[index]) : NULL;
}

static void release(struct work_struct *work)
{
	struct decouple_session *s = container_of(to_rcu_work(work), struct decouple_session, release);

	if (s->vcpu)
		put_task_struct(s->vcpu);
	put_task_struct(s->task);
	decouple_process_put(s->process);
	kfree(s);
}

void decouple_session_get(struct decouple_session *s)
{
	refcount_inc(&s->ref);
}

/* From any context: tasks can't be put everywhere. */
void decouple_session_put(struct decouple_session *s)
{
	if (!refcount_dec_and_test(&s->ref))
		return;
	INIT_RCU_WORK(&s->release, release);
	queue_rcu_work(releases, &s->release);
}

long decouple_session_add(struct decouple_process *p, u64 index, struct task_struct *task)
{
	struct decouple_session *s;
	long err;

	if (index >= DECOUPLE_GATE_FRAMES)
		return -EINVAL;
	if (test_tsk_thread_flag(task, TIF_ADDR32))
		return -ENOEXEC;
	s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	if (!s)
		return -ENOMEM;
	mutex_lock(&p->lock);
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
	spin_lock(&sessions_lock);
	rcu_read_lock();
	err = rcu_access_pointer(p->sessions[index]) || decouple_session_of(task) ? -EBUSY : 0;
	rcu_read_unlock();
	if (!err) {
		get_task_struct(task);
		decouple_process_get(p);
		hash_add_rcu(sessions, &s->by_group, (unsigned long)task->signal);
		rcu_assign_pointer(p->sessions[index], s);
		atomic_inc(&session_count);
	}
	spin_unlock(&sessions_lock);
unlock:
	mutex_unlock(&p->lock);
	if (err)
		kfree(s);
	return err;
}

long decouple_session_remove(struct decouple_process *p, u64 index)
{
	struct decouple_session *s;

	if (index >= DECOUPLE_GATE_FRAMES)
		return -EINVAL;
	mutex_lock(&p->lock);
	s = rcu_dereference_protected(p->sessions[index], lockdep_is_held(&p->lock));
	if (s) {
		spin_lock(&sessions_lock);
		hash_del_rcu(&s->by_group);
		rcu_assign_pointer(p->sessions[index], NULL);
		atomic_dec(&session_count);
		spin_unlock(&sessions_lock);
		WRITE_ONCE(s->capture, false); /* hooks that are registered go at the next return to user mode */
		if (xchg(&s->arm, false))
			decouple_session_put(s);
	}
	mutex_unlock(&p->lock);
	if (!s)
		return -EINVAL;
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
