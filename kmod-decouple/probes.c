// SPDX-License-Identifier: GPL-2.0-only
/* Tracepoints and the debug exception: what must be noticed where it happens. All of them look first whether there is any session. */
#include <linux/kdebug.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/tracepoint.h>
#include <asm/debugreg.h>

#include "compat.h"
#include "decouple.h"
#include "hush.h"

static bool dropped_at_once(struct task_struct *task, int sig)
{
	const struct k_sigaction *action = &rcu_dereference_protected(task->sighand, true)->action[sig - 1]; /* siglock held */

	return action->sa.sa_handler == SIG_IGN || (action->sa.sa_handler == SIG_DFL && sig_kernel_ignore(sig));
}

static void notice(struct decouple_session *s, int sig)
{
	WRITE_ONCE(s->frame->noticed, 1);
	smp_mb(); /* pairs with the resident's, which announces a wait or a call before it looks for signals */
	if (READ_ONCE(s->frame->mask_wait) & sigmask(sig))
		return;
	if (READ_ONCE(s->waiting))
		wake_up_process(s->task);
	else
		decouple_session_interrupt(s);
}

/* siglock held. In the gate everything is blocked, so the kernel itself wakes nobody. */
static void signal_generated(void *unused, int sig, struct kernel_siginfo *info, struct task_struct *task, int group,
			     int result)
{
	struct decouple_session *s;

	if (!decouple_any_sessions() || dropped_at_once(task, sig))
		return;
	rcu_read_lock();
	if (sig == SIGSTOP) {
		if (!group)
			decouple_stop_generated(task);
	} else if (group) {
		decouple_sessions_of_group(task->signal, notice, sig);
	} else {
		s = decouple_session_of(task);
		if (s)
			notice(s, sig);
	}
	rcu_read_unlock();
}

/* Before the frame is built, siglock held: the registers become the application's, to the last bit. */
static void signal_delivered(void *unused, int sig, struct kernel_siginfo *info, struct k_sigaction *action)
{
	struct decouple_session *s;

	if (!decouple_any_sessions())
		return;
	rcu_read_lock();
	s = decouple_session_of(current);
	if (s && s->hooked) {
		decouple_restore_rax(s);
		if (action->sa.sa_handler != SIG_IGN)
			WRITE_ONCE(s->signals, s->signals + 1);
		WRITE_ONCE(s->interrupting, false);
		if (s->stepping && action->sa.sa_handler > SIG_IGN) {
			if (s->trapping)
				task_pt_regs(current)->flags &= ~X86_EFLAGS_TF;
			s->trapping = false;
			s->stepped = true;
		}
	}
	rcu_read_unlock();
}

static void process_exit(void *unused, struct task_struct *task)
{
	struct decouple_session *s;

	if (task != current || !decouple_any_sessions())
		return;
	rcu_read_lock();
	s = decouple_session_of(task);
	if (s && s->hooked) {
		s->where = DECOUPLE_GONE;
		decouple_hooks_drop(s);
	}
	rcu_read_unlock();
}

/* The old memory's sessions mean nothing to the new program; it may be stopped before it ever returns to user mode. */
static void process_exec(void *unused, struct task_struct *task, pid_t old_pid, struct linux_binprm *program)
{
	struct decouple_session *s;

	if (task != current || !decouple_any_sessions())
		return;
	rcu_read_lock();
	s = decouple_session_of(task);
	if (s && s->process->mm != task->mm) {
		WRITE_ONCE(s->where, DECOUPLE_GONE);
		decouple_hooks_drop(s);
	}
	rcu_read_unlock();
}

static void switched(void *unused, bool preempt, struct task_struct *prev, struct task_struct *next, unsigned int prev_state)
{
	if (decouple_any_sessions()) {
		rcu_read_lock();
		decouple_switched_in(next);
		decouple_place_switched_in(next);
		rcu_read_unlock();
		decouple_hush_switched(prev);
	}
}

struct probe {
	const char *name;
	void *function;
	struct tracepoint *tp;
	bool registered;
};

static struct probe probes[] = {
	{"signal_generate", signal_generated}, {"signal_deliver", signal_delivered}, {"sched_process_exec", process_exec},
	{"sched_process_exit", process_exit},  {"sched_switch", switched},
};

/* The trap behind the one instruction that was to be executed natively: nobody else's business. */
static int debug_exception(struct notifier_block *block, unsigned long event, void *data)
{
	const struct die_args *args = data;
	unsigned long *dr6 = (unsigned long *)args->err; /* arch/x86/kernel/traps.c: notify_debug */
	struct decouple_session *s;
	int result = NOTIFY_DONE;

	if (event != DIE_DEBUG || !user_mode(args->regs) || !decouple_any_sessions())
		return NOTIFY_DONE;
	rcu_read_lock();
	s = decouple_session_of(current);
	if (s && s->hooked && s->trapping && (*dr6 & DR_STEP)) {
		s->trapping = false;
		s->stepped = true;
		if (test_thread_flag(TIF_SINGLESTEP)) { /* a debugger's as well, and so is the flag from here on */
			set_thread_flag(TIF_FORCED_TF);
		} else {
			args->regs->flags &= ~X86_EFLAGS_TF;
			*dr6 &= ~DR_STEP;
		}
		if (!*dr6)
			result = NOTIFY_STOP;
	}
	rcu_read_unlock();
	return result;
}

static struct notifier_block debug_block = {.notifier_call = debug_exception};

static void find(struct tracepoint *tp, void *unused)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(probes); i++)
		if (!strcmp(tp->name, probes[i].name))
			probes[i].tp = tp;
}

void decouple_probes_unregister(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(probes); i++)
		if (probes[i].registered)
			tracepoint_probe_unregister(probes[i].tp, probes[i].function, NULL);
	unregister_die_notifier(&debug_block);
	tracepoint_synchronize_unregister();
	preempt_notifier_dec();
}

int decouple_probes_register(void)
{
	unsigned int i;
	int err = 0;

	for_each_kernel_tracepoint(find, NULL);
	preempt_notifier_inc();
	register_die_notifier(&debug_block);
	for (i = 0; !err && i < ARRAY_SIZE(probes); i++) {
		err = probes[i].tp ? tracepoint_probe_register(probes[i].tp, probes[i].function, NULL) : -ENOENT;
		probes[i].registered = !err;
		if (err)
			pr_err("decouple: tracepoint %s: error %d: this kernel is not supported\n", probes[i].name, err);
	}
	if (err)
		decouple_probes_unregister();
	return err;
}
