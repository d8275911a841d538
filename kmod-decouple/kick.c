// SPDX-License-Identifier: GPL-2.0-only
/* Waking and interrupting threads without a signal. */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/task_work.h>
#include <asm/ptrace.h>
#include <asm/unistd.h>

#include "decouple.h"

/*
 * As set_notify_signal(), whose wake_up_state() is not exported. A blocked call returns as for a signal, finds none, and begins again
 * (kernel/signal.c: get_signal). A task in an uninterruptible sleep is left alone; so is one that has executed another program, which may
 * have more rights than those who still share the old memory.
 */
void decouple_interrupt_task(struct decouple_process *p, struct task_struct *t)
{
	if (READ_ONCE(t->mm) != p->mm)
		return;
	set_tsk_thread_flag(t, TIF_NOTIFY_SIGNAL);
	smp_mb__after_atomic(); /* pairs with the barrier in set_current_state(): the sleeper looks at its flags behind it */
	if (READ_ONCE(t->__state) & TASK_INTERRUPTIBLE)
		wake_up_process(t);
	else
		kick_process(t);
}

void decouple_session_interrupt(struct decouple_session *s)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&s->lock, flags);
	if (xchg(&s->frame->in_call, 0) == 1) {
		WRITE_ONCE(s->interrupt, true);
		decouple_interrupt_task(s->process, s->task);
	}
	raw_spin_unlock_irqrestore(&s->lock, flags);
}

/*
 * The thread is about to return to user mode: takes the interruption, and the flag with it, which might have been set behind the
 * kernel's own look at it and would fail the next call.
 */
bool decouple_session_interrupted(struct decouple_session *s)
{
	if (!READ_ONCE(s->interrupt))
		return false;
	raw_spin_lock(&s->lock);
	s->interrupt = false;
	WRITE_ONCE(s->interruptions, s->interruptions + 1);
	if (!task_work_pending(current))
		clear_thread_flag(TIF_NOTIFY_SIGNAL);
	raw_spin_unlock(&s->lock);
	return true;
}

void decouple_session_wake(struct decouple_session *s)
{
	WRITE_ONCE(s->bell, true);
	smp_mb(); /* pairs with set_current_state() in gate.c: wait */
	if (READ_ONCE(s->waiting))
		wake_up_process(s->task);
}

/* The guest's store to its doorbell, by way of KVM's ioeventfd: on the vCPU's core, without leaving the kernel. */
static int rung(wait_queue_entry_t *entry, unsigned int mode, int flags, void *key)
{
	struct decouple_session *s = container_of(entry, struct decouple_session, doorbell_entry);

	if (key_to_poll(key) & EPOLLIN)
		decouple_session_wake(s);
	return 0;
}

struct doorbell_poll {
	poll_table table;
	struct decouple_session *s;
};

static void queue(struct file *file, wait_queue_head_t *head, poll_table *table)
{
	struct decouple_session *s = container_of(table, struct doorbell_poll, table)->s;

	s->doorbell_queue = head;
	add_wait_queue(head, &s->doorbell_entry);
}

void decouple_session_doorbell_drop(struct decouple_session *s)
{
	if (!s->doorbell)
		return;
	if (s->doorbell_queue)
		remove_wait_queue(s->doorbell_queue, &s->doorbell_entry);
	fput(s->doorbell);
	s->doorbell_queue = NULL;
	s->doorbell = NULL;
}

/* The file is kept: its queue outlives our place in it. */
long decouple_session_doorbell(struct decouple_session *s, u64 fd)
{
	struct doorbell_poll poll = {.s = s};
	struct file *file = eventfd_fget((int)fd);

	if (IS_ERR(file))
		return PTR_ERR(file);
	mutex_lock(&s->process->lock);
	decouple_session_doorbell_drop(s);
	s->doorbell = file;
	init_waitqueue_func_entry(&s->doorbell_entry, rung);
	init_poll_funcptr(&poll.table, queue);
	vfs_poll(file, &poll.table);
	mutex_unlock(&s->process->lock);
	return 0;
}
