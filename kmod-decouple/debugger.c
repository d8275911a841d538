// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stop that a debugger asks for: PTRACE_ATTACH sends SIGSTOP to the thread. In the gate it has the gate's registers; so there the signal
 * is blocked, and the manager gives all threads back: it stops behind the gate, with its own. That takes the vCPU threads and the manager: if
 * the debugger stops one of these before, or it takes a second, the home threads stop in the gate, for nobody shall wait for ever.
 */
#include <linux/sched/signal.h>

#include "decouple.h"

/* The change comes before the thread's own look: both under siglock. */
static void put_off(struct decouple_session *s)
{
	raw_spin_lock(&s->lock);
	if (s->where == DECOUPLE_IN_GATE) {
		set_bit(SIGSTOP - 1, &s->task->blocked.sig[0]);
		WRITE_ONCE(s->process->put_off, jiffies | 1);
	}
	raw_spin_unlock(&s->lock);
}

/* As in signal_wake_up(), which is not exported. */
static void stop_in_gate(struct decouple_session *s, int unused)
{
	struct task_struct *t = s->task;
	bool in_gate;

	raw_spin_lock(&s->lock);
	in_gate = s->where == DECOUPLE_IN_GATE;
	if (in_gate)
		clear_bit(SIGSTOP - 1, &t->blocked.sig[0]);
	raw_spin_unlock(&s->lock);
	if (!in_gate)
		return;
	set_tsk_thread_flag(t, TIF_SIGPENDING);
	smp_mb__after_atomic(); /* pairs with the barrier in set_current_state() */
	if (READ_ONCE(t->__state) & TASK_INTERRUPTIBLE)
		wake_up_process(t);
	else
		kick_process(t);
}

/* siglock held */
static void stop_all_in_gate(struct decouple_process *p, struct signal_struct *group)
{
	WRITE_ONCE(p->debugged, true);
	WRITE_ONCE(p->put_off, 0);
	decouple_sessions_of_group(group, stop_in_gate, 0);
}

void decouple_stop_generated(struct task_struct *task)
{
	struct decouple_session *s = decouple_session_of(task);

	if (!task->ptrace)
		return; /* all threads stop where they are */
	if (s) {
		if (!READ_ONCE(s->process->debugged) && decouple_process_wish(s->process, DECOUPLE_WAKE_DEBUGGER))
			put_off(s);
		return;
	}
	s = decouple_session_helped_by(task);
	if (s)
		stop_all_in_gate(s->process, task->signal);
}

void decouple_stop_overdue(struct decouple_process *p)
{
	unsigned long since = READ_ONCE(p->put_off);
	spinlock_t *siglock = &rcu_dereference_protected(current->sighand, true)->siglock;

	if (!since || time_before(jiffies, since + HZ))
		return;
	spin_lock_irq(siglock);
	rcu_read_lock();
	stop_all_in_gate(p, current->signal);
	rcu_read_unlock();
	spin_unlock_irq(siglock);
}
