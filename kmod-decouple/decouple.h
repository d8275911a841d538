/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Module-wide: processes, sessions, and who may touch what.
 *
 *   struct decouple_process  one per bound mm; referenced by controller files and by the gate's file, which the mapping holds
 *   struct decouple_session  one per decoupled thread; referenced by the process's table, by RCU readers only under rcu_read_lock()
 *
 * Lock order: process->lock (mutex) > siglock > session->lock (raw, interrupts off). Tracepoint probes run under siglock or the run queue's
 * lock with preemption off, also on PREEMPT_RT: they take raw locks only.
 */
#ifndef KMOD_DECOUPLE_H
#define KMOD_DECOUPLE_H

#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/irq_work.h>
#include <linux/kobject.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/user-return-notifier.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "../include/decouple/gate.h"
#include "../include/decouple/uapi.h"
#include "why.h"

struct decouple_process {
	struct kref ref;
	struct list_head link;
	struct mm_struct *mm; /* identity; mmgrab()ed */
	struct mutex lock; /* sessions[], frames[], mapping */
	unsigned long gate; /* user address of the gate's mapping; 0: none */
	const struct file *gate_file; /* identity: what is mapped there, if anything is */
	unsigned long image, image_size; /* in front of a gate that has had no session yet; else the size is 0 */
	bool mapping; /* DECOUPLE_MAP is under way */
	bool closing; /* the gate's mapping has gone: no new sessions */
	struct page *frames[DECOUPLE_GATE_FRAMES];
	struct decouple_session __rcu *sessions[DECOUPLE_GATE_FRAMES];
	raw_spinlock_t manager_lock;
	struct task_struct *manager; /* sleeps in DECOUPLE_GATE_MANAGE */
	bool poked;
	unsigned int wish; /* why the manager is woken, enum decouple_wake; 0: no reason but the poke itself */
	unsigned long put_off; /* jiffies; since then a stop for a debugger is put off; 0: none */
	bool debugged; /* a debugger has stopped the manager or a vCPU thread: home threads stop where they are */
	DECLARE_BITMAP(cores, DECOUPLE_CORES_MAX); /* where vCPU threads may run; bits are only ever set, under lock */
	struct decouple_why_asked why_asked;
	unsigned long why_unmapped; /* while attribution is on: one of its threads changed its memory from here on, */
	u64 why_unmapped_at; /* at this time */
};

#define UNBLOCKABLE (sigmask(SIGKILL) | sigmask(SIGSTOP))

enum decouple_where {
	DECOUPLE_NATIVE, /* outside the gate */
	DECOUPLE_IN_GATE,
	DECOUPLE_GONE, /* exited, executed another program or removed */
};

struct decouple_session {
	struct hlist_node by_group; /* hash of all sessions by task->signal; RCU */
	struct rcu_work release;
	refcount_t ref; /* the process's table, and the hooks while they are armed or registered */
	struct decouple_process *process; /* referenced */
	struct task_struct *task; /* the home thread; referenced */
	struct task_struct *vcpu; /* under lock; referenced; NULL: not yet */
	unsigned int core; /* of the vCPU thread when it became that; the first, if it may run on several */
	struct decouple_frame *frame; /* kernel address of its page */
	struct file *doorbell; /* under process->lock; eventfd, referenced; NULL: none */
	wait_queue_head_t *doorbell_queue;
	wait_queue_entry_t doorbell_entry;
	u64 fetched; /* the vCPU thread's own: page that KVM last fetched for it */
	struct decouple_event *event; /* see event.c; set once, under process->lock; NULL: none */
	unsigned int index;

	/* The directory in sysfs; see directory.c. */
	struct kobject directory;
	struct hlist_node directory_by_tid;
	struct completion directory_released;
	pid_t tid; /* in the initial pid namespace */

	raw_spinlock_t lock; /* of `interrupt` and `vcpu`, and of `where` and `capture` when they are set */
	bool interrupt; /* under lock: for the next return to user mode, see session_interrupt() */

	/* Home thread's own, or with interrupts off on its CPU. */
	struct preempt_notifier preempt;
	struct user_return_notifier user_return;
	bool hooked, returning; /* the notifiers are registered */
	enum decouple_where where;
	bool capture; /* at a return to user mode outside the gate */
	bool stepping; /* captured only when the instruction at step_rip is over */
	bool trapping; /* with our TF */
	bool stepped; /* it is: by its trap, or by the signal that it raised */
	unsigned long step_rip;
	bool interrupt_first; /* DECOUPLE_GATE_INTERRUPT_FIRST: until that call is over */
	bool fix_rax; /* the exit of the gate call has overwritten RAX: */
	unsigned long rax;
	bool late; /* a tracer is to see the registers as they are behind that: until then signals stay blocked */
	u64 late_mask;
	bool traced; /* the manager was told */
	u64 captures, signals, sleeps, interruptions; /* for sysfs */

	/* Set by anybody. */
	bool arm; /* whoever next finds the thread on a CPU registers the notifiers */
	bool interrupting; /* a blocked call is being interrupted for a capture: EINTR is not its result */
	bool ended; /* no longer in the process's table */
	bool bell; /* DECOUPLE_GATE_WAKE came */
	bool waiting; /* home thread sleeps in DECOUPLE_GATE_WAIT */

	/* See place.c. */
	int placed; /* the core of the last DECOUPLE_GATE_CORE; -1: none */
	struct irq_work strayed; /* while queued, and then the work, it holds a reference */
	struct work_struct bring_back;
	u64 returns; /* the work's own; times that it was brought back */
	struct decouple_why_thread why;
};

/* session.c. The first six under rcu_read_lock(). */
struct decouple_session *decouple_session_of(struct task_struct *task);
struct decouple_session *decouple_session_at(struct decouple_process *p, u64 index);
/* Calls `each` for the sessions of a thread group; under rcu_read_lock(). */
void decouple_sessions_of_group(struct signal_struct *group, void (*each)(struct decouple_session *s, int arg), int arg);
/* One whose vCPU thread or manager that is; NULL: none. */
struct decouple_session *decouple_session_helped_by(struct task_struct *task);
/* One whose vCPU thread that is; NULL: none. */
struct decouple_session *decouple_session_of_vcpu(struct task_struct *task);
/* That of the group's sessions; NULL: it has none. */
struct decouple_process *decouple_process_of_group(struct signal_struct *group);
bool decouple_any_sessions(void);
void decouple_vcpu_cores(struct cpumask *cores); /* adds those to which vCPU threads may come; may sleep */
long decouple_session_add(struct decouple_process *p, u64 index, struct task_struct *task); /* references the task */
long decouple_session_remove(struct decouple_process *p, u64 index);
void decouple_session_get(struct decouple_session *s);
bool decouple_session_queue(struct work_struct *work); /* false: it is queued already; any context */
void decouple_session_put(struct decouple_session *s);
int decouple_sessions_init(void);
void decouple_sessions_exit(void); /* waits for the last release */

/* capture.c */
void decouple_hooks_init(struct decouple_session *s);
void decouple_hooks_drop(struct decouple_session *s); /* on the session's own thread */
void decouple_capture(struct decouple_session *s); /* may sleep */
void decouple_switched_in(struct task_struct *next); /* run queue locked */
void decouple_restore_rax(struct decouple_session *s); /* on its own thread, before a signal frame is built */
void decouple_capture_init(void);
void decouple_capture_exit(void); /* no hooks any more */

/* debugger.c */
/* Under siglock and rcu_read_lock(): SIGSTOP is pending for that thread. */
void decouple_stop_generated(struct task_struct *task);
/* By the manager, again and again while the threads are given back. */
void decouple_stop_overdue(struct decouple_process *p);

/* kick.c: any context */
void decouple_interrupt_task(struct decouple_process *p, struct task_struct *t);
void decouple_session_interrupt(struct decouple_session *s);
void decouple_session_wake(struct decouple_session *s);
long decouple_session_doorbell(struct decouple_session *s, u64 fd); /* may sleep */
void decouple_session_doorbell_drop(struct decouple_session *s); /* under process->lock, or nobody else has it */
bool decouple_session_interrupted(struct decouple_session *s); /* on its own thread, interrupts off */

/* gate.c */
int decouple_gate_call(struct decouple_process *p);

/* directory.c; may sleep, process->lock not held */
long decouple_directory_add(struct decouple_session *s);
void decouple_directory_remove(struct decouple_session *s); /* for good; waits for readers */

/* grants.c */
/* What the caller may use, by grants or capability. */
void decouple_cores_of_caller(unsigned long *cores);
bool decouple_cores_granted(const unsigned long *cores); /* all of them to the caller */
long decouple_grant(char *text); /* "UID:LIST" or "@GID:LIST" */
ssize_t decouple_grants_show(char *page);
void decouple_grants_exit(void);
void decouple_process_permit(struct decouple_process *p, const unsigned long *cores);
bool decouple_process_permits(struct decouple_process *p, const struct cpumask *cores);

/* place.c */
void decouple_place_init(struct decouple_session *s);
long decouple_place(struct decouple_session *s, u64 core); /* the calling thread; may sleep */
void decouple_place_switched_in(struct task_struct *next); /* run queue locked; under rcu_read_lock() */

/* process.c */
/* The one for this memory, made if need be; NULL: no memory. */
struct decouple_process *decouple_process_open(struct mm_struct *mm);
void decouple_process_get(struct decouple_process *p);
void decouple_process_put(struct decouple_process *p);
long decouple_process_map(struct decouple_process *p, unsigned long image, unsigned long image_size);
void decouple_process_abandon(struct decouple_process *p); /* by the controller that has mapped */
struct decouple_frame *decouple_process_frame(struct decouple_process *p, u64 index); /* under p->lock */
void decouple_process_poke(struct decouple_process *p); /* any context */
/* Wakes the manager, with a reason; any context. False: there is none. */
bool decouple_process_wish(struct decouple_process *p, enum decouple_wake why);
/* Asks the manager of a process, by its number in the caller's pid namespace, to end all sessions; -ESRCH it has none. */
long decouple_process_recouple(pid_t pid);
/* Asks the managers of all processes with a vCPU thread for this processor to end their sessions; may sleep. */
void decouple_processes_leave(unsigned int cpu);
/* A living thread of the process, by its number in the caller's pid namespace, referenced; or NULL. */
struct task_struct *decouple_process_thread(struct decouple_process *p, u64 tid);

/* hotplug.c */
int decouple_hotplug_init(void);
void decouple_hotplug_exit(void);

/* probes.c */
int decouple_probes_register(void);
void decouple_probes_unregister(void);

#endif
