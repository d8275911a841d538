// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capture at the return to user mode. A user-return notifier runs as the very last step, behind signals, system call restart and ptrace
 * stops: task_pt_regs(current) is exactly what would run. One rule: if that is outside the gate and a capture is wanted, the registers
 * go to the frame and the thread goes to the gate. The preempt notifier keeps the per-CPU registration with the thread.
 */
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/rseq.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/smp.h>
#include <linux/task_work.h>
#include <linux/uaccess.h>
#include <asm/ptrace.h>
#include <asm/syscall.h>
#include <asm/unistd.h>

#include "compat.h"
#include "decouple.h"

static void returning_off(struct decouple_session *s)
{
	if (s->returning)
		user_return_notifier_unregister(&s->user_return);
	s->returning = false;
}

static void sched_in(struct preempt_notifier *n, int cpu)
{
	struct decouple_session *s = container_of(n, struct decouple_session, preempt);
	unsigned long flags;

	local_irq_save(flags);
	if (!s->returning)
		user_return_notifier_register(&s->user_return);
	s->returning = true;
	local_irq_restore(flags);
}

static void sched_out(struct preempt_notifier *n, struct task_struct *next)
{
	struct decouple_session *s = container_of(n, struct decouple_session, preempt);
	unsigned long flags;

	local_irq_save(flags);
	returning_off(s);
	local_irq_restore(flags);
}

static struct preempt_ops preempt_ops = {.sched_in = sched_in, .sched_out = sched_out};

/* Gives back the reference that `arm` took. */
void decouple_hooks_drop(struct decouple_session *s)
{
	unsigned long flags;
	bool hooked;

	local_irq_save(flags);
	returning_off(s);
	hooked = s->hooked;
	if (hooked)
		preempt_notifier_unregister(&s->preempt);
	s->hooked = false;
	local_irq_restore(flags);
	if (hooked)
		decouple_session_put(s);
}

static void fill_frame(struct decouple_frame *f, const struct pt_regs *r)
{
	f->regs = (struct decouple_regs){
		.r8 = r->r8,
		.r9 = r->r9,
		.r10 = r->r10,
		.r11 = r->r11,
		.r12 = r->r12,
		.r13 = r->r13,
		.r14 = r->r14,
		.r15 = r->r15,
		.rdi = r->di,
		.rsi = r->si,
		.rbp = r->bp,
		.rbx = r->bx,
		.rdx = r->dx,
		.rax = r->ax,
		.rcx = r->cx,
		.rsp = r->sp,
		.rip = r->ip,
		.rflags = r->flags,
	};
	f->mask = current->blocked.sig[0];
}

/* A capture in a restartable sequence aborts it, which only the resident can do: here nothing may fault. False: not now. */
static bool fill_rseq(struct decouple_frame *f)
{
	f->rseq = f->rseq_cs = 0;
#ifdef CONFIG_RSEQ
	if (current->rseq) {
		u64 cs;

		if (copy_from_user_nofault(&cs, &current->rseq->rseq_cs, sizeof(cs)))
			return false;
		f->rseq = (u64)(unsigned long)current->rseq;
		f->rseq_len = decouple_rseq_len(current);
		f->rseq_sig = current->rseq_sig;
		f->rseq_cs = cs;
	}
#endif
	return true;
}

/*
 * Our own interruption is not the call's result: without a signal there is no EINTR. But close() has closed its descriptor even so, which may
 * be another file's by now.
 */
static void undo_eintr(struct pt_regs *regs)
{
	if (regs->orig_ax != __NR_close && regs->ax == (unsigned long)-EINTR && (long)regs->orig_ax >= 0 &&
	    regs->cx == regs->ip) {
		regs->ax = regs->orig_ax;
		regs->ip -= 2; /* SYSCALL */
	}
}

static void capture(struct decouple_session *s, struct pt_regs *regs)
{
	struct decouple_frame *f = s->frame;

	if (!user_64bit_mode(regs) || !fill_rseq(f))
		return;
	if (xchg(&s->interrupting, false))
		undo_eintr(regs);
	if (s->trapping)
		regs->flags &= ~X86_EFLAGS_TF;
	s->stepping = s->trapping = s->stepped = false;
	raw_spin_lock(&s->lock);
	if (READ_ONCE(current->pending.signal.sig[0]) & sigmask(SIGSTOP)) {
		raw_spin_unlock(&s->lock);
		return; /* it has just come, and stops the thread where it is: first that */
	}
	s->capture = false;
	s->where = DECOUPLE_IN_GATE;
	if (!task_work_pending(current))
		clear_thread_flag(TIF_NOTIFY_SIGNAL);
	raw_spin_unlock(&s->lock);
	fill_frame(f, regs);
	f->noticed = 1; /* it may have come before the probes looked for us */
	WRITE_ONCE(f->captures, f->captures + 1);
	WRITE_ONCE(s->captures, s->captures + 1); /* the frame is the process's to write */
	/*
	 * Without siglock, which can't be taken here on PREEMPT_RT: a sender that still sees the old mask sets TIF_SIGPENDING in vain, and
	 * a signal that it left to us is found by the resident, which looks at what is pending behind each capture.
	 */
	WRITE_ONCE(current->blocked.sig[0], ~UNBLOCKABLE);
	regs->ip = f->entry;
	regs->sp = f->entry_rsp;
	regs->di = f->entry_rdi;
	regs->orig_ax = -1;
	regs->flags &= ~(X86_EFLAGS_TF | X86_EFLAGS_DF | X86_EFLAGS_AC | X86_EFLAGS_NT);
}

/* An interrupted call is left, or not begun, at the place that the resident named. */
static void skip_call(struct decouple_frame *f, struct pt_regs *regs)
{
	if (regs->ip >= f->call_begin && regs->ip < f->call_end) {
		/* ORIG_RAX tells the return of a system call from that of an interrupt. */
		f->restart = (long)regs->orig_ax < 0            ? DECOUPLE_RESTART_NOT_BEGUN
			     : regs->ax == __NR_restart_syscall ? DECOUPLE_RESTART_BLOCK
								: DECOUPLE_RESTART_AGAIN;
		regs->ip = f->call_skip;
		regs->orig_ax = -1;
	}
	WRITE_ONCE(f->interrupted, 1);
}

/*
 * The flag is set behind the kernel's own look at it, so that the call finds it. ORIG_RAX tells the return of a system call from that of an
 * interrupt: the call was made, and is over or to begin again.
 */
static void interrupt_first(struct decouple_session *s, struct pt_regs *regs)
{
	struct decouple_frame *f = s->frame;
	bool called = (long)regs->orig_ax >= 0;

	if (called && regs->ip >= f->call_begin && regs->ip <= f->call_end) {
		s->interrupt_first = false;
		if (regs->ip != f->call_end)
			skip_call(f, regs);
	} else {
		set_thread_flag(TIF_NOTIFY_SIGNAL);
	}
}

void decouple_restore_rax(struct decouple_session *s)
{
	struct pt_regs *regs = task_pt_regs(current);

	if (s->fix_rax) {
		regs->ax = s->rax;
		regs->orig_ax = -1;
	}
	s->fix_rax = false;
}

/* An interrupt that finds the thread in user mode, where Linux looks for signals behind it. */
static void look_again(struct irq_work *unused) {}

static DEFINE_PER_CPU(struct irq_work, look);

/* Not by an initialiser: a module's addresses are not put into what is there for each CPU (before Linux 6.15). */
void decouple_capture_init(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) per_cpu(look, cpu) = IRQ_WORK_INIT_HARD(look_again);
}

void decouple_capture_exit(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) irq_work_sync(per_cpu_ptr(&look, cpu));
}

/* The registers are complete only here, which is behind the place where Linux stops a thread for its tracer: so it comes by there once more. */
static bool unblock_late(struct decouple_session *s)
{
	if (!s->late)
		return false;
	s->late = false;
	WRITE_ONCE(current->blocked.sig[0], s->late_mask & ~UNBLOCKABLE);
	set_thread_flag(TIF_SIGPENDING);
	irq_work_queue(this_cpu_ptr(&look));
	return true;
}

static void notice_tracer(struct decouple_session *s)
{
	bool traced = current->ptrace;

	if (traced && !s->traced)
		decouple_process_wish(s->process, DECOUPLE_WAKE_TRACED);
	s->traced = traced;
}

static void on_return(struct user_return_notifier *n)
{
	struct decouple_session *s = container_of(n, struct decouple_session, user_return);
	struct pt_regs *regs = task_pt_regs(current);
	bool late;

	if (current->mm != s->process->mm) { /* it executed another program */
		s->where = DECOUPLE_GONE;
		decouple_hooks_drop(s);
		return;
	}
	if (decouple_session_interrupted(s))
		skip_call(s->frame, regs);
	decouple_restore_rax(s);
	late = unblock_late(s);
	if (READ_ONCE(s->ended)) {
		if (s->trapping)
			regs->flags &= ~X86_EFLAGS_TF;
		s->trapping = false;
		decouple_hooks_drop(s);
		return;
	}
	if (s->where == DECOUPLE_IN_GATE) {
		notice_tracer(s);
		if (s->interrupt_first)
			interrupt_first(s, regs);
		return;
	}
	if (late)
		return;
	if (!READ_ONCE(s->capture))
		decouple_hooks_drop(s);
	else if (test_thread_flag(TIF_SINGLESTEP))
		return; /* a debugger's step ends where the program is, not in the gate */
	else if (!s->stepping || s->stepped || regs->ip != s->step_rip)
		capture(s, regs);
}

void decouple_hooks_init(struct decouple_session *s)
{
	preempt_notifier_init(&s->preempt, &preempt_ops);
	s->user_return.on_user_return = on_return;
}

/* Takes over the reference of `arm`; false: they are there already. */
static bool take_hooks(struct decouple_session *s)
{
	if (!s->hooked) {
		s->hooked = true;
		return true;
	}
	decouple_session_put(s);
	return false;
}

struct hook {
	struct decouple_session *s;
	bool later;
};

/*
 * In an interrupt on the thread's CPU, wherever in the kernel the thread is. Others (KVM, when it loads a vCPU) change the lists of notifiers
 * with preemption off and interrupts on: not in the middle of that.
 */
static void hook_current(void *data)
{
	struct hook *h = data;
	struct decouple_session *s = h->s;

	if (current != s->task || (current->flags & PF_EXITING) || !READ_ONCE(s->arm))
		return;
	h->later = preempt_count() & PREEMPT_MASK;
	if (h->later || !xchg(&s->arm, false) || !take_hooks(s))
		return;
	preempt_notifier_register(&s->preempt);
	sched_in(&s->preempt, smp_processor_id());
}

/* False: to be tried again. */
static bool hook(struct decouple_session *s)
{
	struct hook h = {.s = s};

	if (s->task == current) { /* in a gate call */
		local_irq_disable();
		hook_current(&h);
		local_irq_enable();
	} else {
		smp_call_function_single(task_cpu(s->task), hook_current, &h, 1);
	}
	return !h.later;
}

/* Its finish_task_switch() will find the notifier. */
void decouple_switched_in(struct task_struct *next)
{
	struct decouple_session *s = decouple_session_of(next);

	if (s && READ_ONCE(s->arm) && !(next->flags & PF_EXITING) && xchg(&s->arm, false) && take_hooks(s))
		hlist_add_head(&s->preempt.link, &next->preempt_notifiers);
}

/*
 * First `arm`, then the interrupt on its CPU, then the end of its sleep: whichever way the thread comes to user mode, it has met the
 * scheduler or the interrupt before. It may have been captured by then, and be native again: it must not find itself interrupted.
 */
void decouple_capture(struct decouple_session *s)
{
	const unsigned int burst = 64;
	unsigned int tries = 0;
	unsigned long flags;
	bool wanted;

	raw_spin_lock_irqsave(&s->lock, flags);
	wanted = s->where == DECOUPLE_NATIVE;
	if (wanted) {
		WRITE_ONCE(s->capture, true);
		WRITE_ONCE(s->interrupting, true);
	}
	raw_spin_unlock_irqrestore(&s->lock, flags);
	if (!wanted)
		return;
	decouple_session_get(s);
	if (xchg(&s->arm, true))
		decouple_session_put(s);
	while (!hook(s) && !fatal_signal_pending(current)) {
		if (++tries % burst)
			continue;
		/* It may be in a guest of its own, which only an interruption ends, and not for long. */
		usleep_range(20, 50);
		decouple_interrupt_task(s->process, s->task);
	}
	raw_spin_lock_irqsave(&s->lock, flags);
	if (READ_ONCE(s->capture))
		decouple_interrupt_task(s->process, s->task);
	raw_spin_unlock_irqrestore(&s->lock, flags);
}
