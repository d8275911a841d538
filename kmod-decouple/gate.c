// SPDX-License-Identifier: GPL-2.0-only
/* Gate calls; see include/decouple/gate.h. The caller is a thread of the process, in msync(2) on the gate's own mapping. */
#include <linux/hrtimer.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/sched/task.h>
#include <asm/ptrace.h>

#include "decouple.h"
#include "event.h"

/* What user code may set, as in rt_sigreturn (arch/x86/kernel/signal.c: FIX_EFLAGS), and ID and NT, which it can set by POPF. */
#define USER_FLAGS                                                                                                             \
	(X86_EFLAGS_AC | X86_EFLAGS_OF | X86_EFLAGS_DF | X86_EFLAGS_TF | X86_EFLAGS_SF | X86_EFLAGS_ZF | X86_EFLAGS_AF |       \
	 X86_EFLAGS_PF | X86_EFLAGS_CF | X86_EFLAGS_RF | X86_EFLAGS_ID | X86_EFLAGS_NT)

/* A living task's own is stable. */
static spinlock_t *siglock(void)
{
	return &rcu_dereference_protected(current->sighand, true)->siglock;
}

static void set_blocked(u64 mask)
{
	spin_lock_irq(siglock());
	current->blocked.sig[0] = mask & ~UNBLOCKABLE;
	set_thread_flag(TIF_SIGPENDING); /* the kernel looks, and takes it back when there is nothing */
	spin_unlock_irq(siglock());
}

/* The frame is the process's to write: each field is read once, and is nothing that the thread could not have by rt_sigreturn. */
static long leave_gate(struct decouple_session *s, u64 how)
{
	struct pt_regs *regs = task_pt_regs(current);
	struct decouple_regs r = *(volatile struct decouple_regs *)&s->frame->regs;
	bool temporary;

	if (s->where != DECOUPLE_IN_GATE)
		return -EPERM;
	temporary = how & DECOUPLE_RETURN_TEMPORARY;
	how &= ~(u64)DECOUPLE_RETURN_TEMPORARY;
	if (how > DECOUPLE_RETURN_LEAVE)
		return -EINVAL;
	regs->r8 = r.r8, regs->r9 = r.r9, regs->r10 = r.r10, regs->r11 = r.r11;
	regs->r12 = r.r12, regs->r13 = r.r13, regs->r14 = r.r14, regs->r15 = r.r15;
	regs->di = r.rdi, regs->si = r.rsi, regs->bp = r.rbp, regs->bx = r.rbx, regs->dx = r.rdx, regs->cx = r.rcx;
	regs->sp = r.rsp, regs->ip = r.rip;
	regs->flags = (regs->flags & ~USER_FLAGS) | (r.rflags & USER_FLAGS);
	regs->orig_ax = -1;
	s->rax = r.rax;
	s->fix_rax = true;
	s->stepping = how == DECOUPLE_RETURN_STEP || how == DECOUPLE_RETURN_SLIP;
	s->trapping = how == DECOUPLE_RETURN_STEP;
	s->stepped = false;
	s->step_rip = r.rip;
	if (s->trapping)
		regs->flags |= X86_EFLAGS_TF;
	raw_spin_lock_irq(&s->lock);
	WRITE_ONCE(s->interrupting, false);
	WRITE_ONCE(s->capture, how == DECOUPLE_RETURN_CAPTURE || s->stepping);
	s->where = DECOUPLE_NATIVE;
	raw_spin_unlock_irq(&s->lock);
	if (temporary) { /* as in ppoll and its kin: kernel/signal.c: set_user_sigmask */
		current->saved_sigmask.sig[0] = READ_ONCE(s->frame->mask_saved) & ~UNBLOCKABLE;
		set_restore_sigmask();
	}
	s->late = !temporary && current->ptrace;
	if (s->late)
		s->late_mask = READ_ONCE(s->frame->mask);
	else
		set_blocked(READ_ONCE(s->frame->mask));
	if (how == DECOUPLE_RETURN_LEAVE)
		decouple_session_remove(s->process, s->index);
	return 0;
}

static bool signal_waits(u64 mask)
{
	u64 pending;

	spin_lock_irq(siglock());
	pending = current->pending.signal.sig[0] | current->signal->shared_pending.signal.sig[0];
	spin_unlock_irq(siglock());
	return (pending & ~mask & ~UNBLOCKABLE) != 0;
}

/*
 * Sleeps until *bell is set, a signal waits that the frame's mask lets through (f not NULL), or the time is over (ns not 0). The task's state
 * is set before the conditions are looked at, and the wakers do it the other way round.
 */
static long sleep_until(bool *bell, const struct decouple_frame *f, u64 ns)
{
	ktime_t left = ns_to_ktime(ns);
	long result;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		result = DECOUPLE_WAKE_BELL;
		if (xchg(bell, false))
			break;
		result = DECOUPLE_WAKE_SIGNAL;
		if (f && signal_waits(READ_ONCE(f->mask_wait)))
			break;
		result = -ERESTARTNOINTR; /* stopped, killed, frozen, traced: Linux's, and then here again */
		if (signal_pending(current))
			break;
		result = DECOUPLE_WAKE_TIMEOUT;
		if (!schedule_hrtimeout(ns ? &left : NULL, HRTIMER_MODE_REL))
			break;
	}
	__set_current_state(TASK_RUNNING);
	return result;
}

static long wait(struct decouple_session *s, u64 ns)
{
	long result;

	if (s->where != DECOUPLE_IN_GATE)
		return -EPERM;
	WRITE_ONCE(s->sleeps, s->sleeps + 1);
	WRITE_ONCE(s->waiting, true); /* ordered by set_current_state() */
	result = sleep_until(&s->bell, s->frame, ns);
	WRITE_ONCE(s->waiting, false);
	return result;
}

/* One at a time: another when the one before has ended. */
static long become_vcpu(struct decouple_session *s)
{
	struct task_struct *old;
	bool busy;

	if (!decouple_process_permits(s->process, &current->cpus_mask))
		return -EPERM;
	raw_spin_lock_irq(&s->lock);
	old = s->vcpu;
	busy = old && !(READ_ONCE(old->flags) & PF_EXITING);
	if (!busy) {
		s->core = cpumask_first(&current->cpus_mask);
		s->vcpu = get_task_struct(current);
	}
	raw_spin_unlock_irq(&s->lock);
	if (busy)
		return -EBUSY;
	if (old)
		put_task_struct(old);
	decouple_why_prepare(&current->cpus_mask);
	return decouple_directory_add(s);
}

static long kick(struct decouple_session *s)
{
	bool found;

	raw_spin_lock_irq(&s->lock);
	found = s->vcpu;
	if (found) {
		WRITE_ONCE(s->why.kicked, true);
		decouple_interrupt_task(s->process, s->vcpu);
	}
	raw_spin_unlock_irq(&s->lock);
	return found ? 0 : -ESRCH;
}

static long manage(struct decouple_process *p, u64 ns)
{
	struct task_struct *old = NULL;
	unsigned int wish;
	long result;

	decouple_stop_overdue(p);
	raw_spin_lock_irq(&p->manager_lock);
	if (p->manager != current) {
		old = p->manager;
		p->manager = get_task_struct(current);
	}
	raw_spin_unlock_irq(&p->manager_lock);
	if (old)
		put_task_struct(old);
	result = sleep_until(&p->poked, NULL, ns);
	wish = result == DECOUPLE_WAKE_BELL ? xchg(&p->wish, 0) : 0;
	return wish ? wish : result;
}

static long add(struct decouple_process *p, u64 frame, u64 tid)
{
	struct task_struct *task = decouple_process_thread(p, tid);
	long err;

	if (!task)
		return -ESRCH;
	err = decouple_session_add(p, frame, task);
	put_task_struct(task);
	return err;
}

static long session_call(struct decouple_session *s, u64 call, u64 arg)
{
	bool own = s->task == current;

	switch (call) {
	case DECOUPLE_GATE_RETURN:
		return own ? leave_gate(s, arg) : -EPERM;
	case DECOUPLE_GATE_WAIT:
		return own ? wait(s, arg) : -EPERM;
	case DECOUPLE_GATE_CAPTURE:
		decouple_capture(s);
		return 0;
	case DECOUPLE_GATE_WAKE:
		decouple_session_wake(s);
		return 0;
	case DECOUPLE_GATE_INTERRUPT:
		decouple_session_interrupt(s);
		return 0;
	case DECOUPLE_GATE_INTERRUPT_FIRST:
		if (own)
			s->interrupt_first = true;
		return own ? 0 : -EPERM;
	case DECOUPLE_GATE_VCPU:
		return become_vcpu(s);
	case DECOUPLE_GATE_EVENTS:
		return decouple_event_set_up(s, arg);
	case DECOUPLE_GATE_EVENT:
		return own ? decouple_event_wait(s, arg) : -EPERM;
	case DECOUPLE_GATE_WAKE_VCPU:
		return decouple_event_wake(s);
	case DECOUPLE_GATE_CORE:
		return decouple_place(s, arg);
	case DECOUPLE_GATE_DOORBELL:
		return decouple_session_doorbell(s, arg);
	case DECOUPLE_GATE_KICK:
		return kick(s);
	default:
		return -EINVAL;
	}
}

int decouple_gate_call(struct decouple_process *p)
{
	const struct pt_regs *regs = task_pt_regs(current);
	u64 call = regs->r10, frame = regs->r8, arg = regs->r9;
	struct decouple_session *s;
	long result;

	switch (call) {
	case DECOUPLE_GATE_ADD:
		return add(p, frame, arg);
	case DECOUPLE_GATE_REMOVE:
		return decouple_session_remove(p, frame);
	case DECOUPLE_GATE_MANAGE:
		return manage(p, arg);
	case DECOUPLE_GATE_POKE:
		decouple_process_poke(p);
		return 0;
	}
	rcu_read_lock();
	s = decouple_session_at(p, frame);
	if (s && !refcount_inc_not_zero(&s->ref))
		s = NULL;
	rcu_read_unlock();
	if (!s)
		return -EINVAL;
	result = session_call(s, call, arg);
	decouple_session_put(s);
	return (int)result;
}
