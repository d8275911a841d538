/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libdecouple: decouple and recouple threads of running processes from a program. C11 or later, or C++; see libdecouple(3).
 *
 * Process, thread and core numbers are int, as pid_t is on Linux. A function that fails returns a negative errno value and
 * changes nothing, if not said otherwise; decouple_error() then says what failed and what to do.
 *
 * Who may call: whoever may trace the target (ptrace(2)); to attach, also whoever may open /dev/kvm. The target is never the
 * calling process.
 *
 * Threads: every function may be called by any thread at any time; attach and recouple of the same target wait for each other
 * (20 s at most, then -EBUSY), across processes as well. No function is async-signal-safe or a cancellation point.
 * decouple_attach() and decouple_recouple() stop threads of the target by ptrace: meanwhile SIGCHLD is blocked in the calling
 * thread, and no other thread of the caller may wait for any child (waitpid(-1)), since it could receive such a stop. If the
 * target is a child of the caller and ends during the call, its exit status may be lost.
 */
#ifndef DECOUPLE_LIBDECOUPLE_H
#define DECOUPLE_LIBDECOUPLE_H

#include <linux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DECOUPLE_ATTACH_ALL 0x1 /* every thread of the process */
#define DECOUPLE_ATTACH_FOLLOW 0x2 /* new threads and forked children too; a program that they execute runs natively */

/**
 * struct decouple_attach_options - what decouple_attach() shall do; zero is the default of every field but size
 * @size: sizeof(struct decouple_attach_options); later versions append fields, of which zero means the behaviour before
 * @flags: DECOUPLE_ATTACH_*
 * @tids: threads to decouple, each once; none: the main thread. Not with DECOUPLE_ATTACH_ALL.
 * @cores: dedicated cores; none: chosen. More threads than cores share them.
 * @service_cores: cores of the home threads; none: what remains of the cores that the caller's cpuset allows
 * @tid_count: elements of @tids, 0 to 1024
 * @core_count: elements of @cores, 0 to 64
 * @service_core_count: elements of @service_cores, 0 to 64
 * @home_spin_us: how long a home thread polls for a system call before it sleeps, in microseconds, 1 to 1000000; 0: 200
 *
 * The first attach to a process decides DECOUPLE_ATTACH_FOLLOW, @home_spin_us and the cores of followed threads, until its last
 * thread is recoupled.
 */
struct decouple_attach_options {
	__u32 size;
	__u32 flags;
	const int *tids;
	const int *cores;
	const int *service_cores;
	__u32 tid_count;
	__u32 core_count;
	__u32 service_core_count;
	__u32 home_spin_us;
};

/* Values of decouple_thread::state. More may be added. */
#define DECOUPLE_STATE_STARTING 1 /* first capture outstanding */
#define DECOUPLE_STATE_DECOUPLED 2 /* user code runs in the guest, or its system call is being executed */
#define DECOUPLE_STATE_PAUSED 3 /* in the gate, vCPU stopped */
#define DECOUPLE_STATE_NATIVE 4 /* released for a moment (signal, fault), will be captured again */
#define DECOUPLE_STATE_RECOUPLED 5 /* given back; see reason */
#define DECOUPLE_STATE_FAILED 6 /* could not be set up; see error */

/* Values of decouple_thread::reason: why a thread was recoupled. More may be added. */
#define DECOUPLE_REASON_NONE 0
#define DECOUPLE_REASON_ASKED 1 /* decouple_recouple(), or the command */
#define DECOUPLE_REASON_SIGNAL64 2 /* the application took the reserved signal for itself */
#define DECOUPLE_REASON_SECCOMP 3 /* the thread installed a seccomp filter */
#define DECOUPLE_REASON_EXEC 4
#define DECOUPLE_REASON_EXITED 5
#define DECOUPLE_REASON_CALL 6 /* a system call that a guest can't follow; detail: its number */
#define DECOUPLE_REASON_KVM 7 /* the VM could not be built again; detail: errno */
#define DECOUPLE_REASON_DEBUGGER 8 /* one attached to the process; with the module */
#define DECOUPLE_REASON_CORE 9 /* its dedicated core was taken away; detail: the core */

/**
 * struct decouple_thread - one decoupled thread, as decouple_status() saw it
 * @pid: its process
 * @tid: the thread
 * @core: dedicated core
 * @service_core: core of its home thread
 * @state: DECOUPLE_STATE_*
 * @reason: DECOUPLE_REASON_*
 * @detail: belongs to @reason
 * @error: negative errno value with DECOUPLE_STATE_FAILED, else 0
 * @reserved: 0
 * @syscalls: system calls executed for it by its home thread
 * @exits: returns of KVM_RUN to user space
 * @captures: times that it was taken from native execution
 * @recouples: times that it was returned to native execution
 * @signals: signals delivered
 * @faults: faults and exceptions given to Linux
 * @page_exits: misses of the guest page table
 * @doorbells: times that the home thread or the vCPU thread had to be woken
 * @clones: clone, fork and vfork
 *
 * The counters start at 0 when the thread is decoupled and never decrease.
 */
struct decouple_thread {
	int pid;
	int tid;
	int core;
	int service_core;
	__u32 state;
	__u32 reason;
	__s64 detail;
	int error;
	__u32 reserved;
	__u64 syscalls;
	__u64 exits;
	__u64 captures;
	__u64 recouples;
	__u64 signals;
	__u64 faults;
	__u64 page_exits;
	__u64 doorbells;
	__u64 clones;
};

/**
 * decouple_probe - can threads be decoupled here?
 * @pid: 0, or a process to be judged as well
 *
 * Looks only. An attach may still fail: threads may be stopped or traced, cores be missing.
 *
 * Return: 0, or -EOPNOTSUPP (no usable /dev/kvm; 32-bit process), -ESRCH (no such process, or a zombie), -EINVAL (kernel
 * thread, thread id of another process, the calling process, negative), -EPERM (the caller may not trace it), -EBUSY (it uses
 * signal 64).
 */
int decouple_probe(int pid);

/**
 * decouple_attach - decouple threads of a running process
 * @pid: the process
 * @options: NULL: the main thread, everything else by default
 *
 * Returns when the threads run in the guest; that takes milliseconds, and the process is stopped for a fraction of one.
 *
 * Return: number of threads decoupled, or a negative errno value: those of decouple_probe(); -EINVAL (size, flag, count, NULL
 * array, a thread named twice, a core that is not available), -E2BIG (a field that this version doesn't know is not zero),
 * -ESRCH (no such thread in the process), -EALREADY (a thread is decoupled), -EBUSY (traced or stopped thread, no free core),
 * -EOPNOTSUPP (seccomp), -ETIMEDOUT (not captured within 10 s), -ENOMEM, or what a system call or KVM said. When one of several
 * threads fails, those before it may stay decoupled: decouple_status() shows them.
 */
int decouple_attach(int pid, const struct decouple_attach_options *options);

/**
 * decouple_recouple - give threads back to Linux, exact to the last register bit
 * @pid: the process
 * @tids: threads to give back, each once
 * @count: elements of @tids, 0 to 1024; 0: all threads
 *
 * With the last thread everything that decoupling brought leaves the process.
 *
 * Return: number of threads given back, or -ENOENT (a thread, or every one, is not decoupled), -ESRCH (no such process),
 * -EINVAL (pid, count, NULL array, a thread named twice), -ETIMEDOUT (a thread in an uninterruptible call or stopped; it comes
 * back when it can), -EPERM, -EBUSY, -ENOMEM, or what a system call said.
 */
int decouple_recouple(int pid, const int *tids, unsigned int count);

/**
 * decouple_status - list decoupled threads
 * @pid: the process; 0: every process that the caller may look into
 * @threads: set to an array to be freed with decouple_status_free(); NULL if the list is empty or the call fails
 * @size: sizeof(struct decouple_thread), the distance of two elements; fields that this version doesn't know are 0
 *
 * Threads that were recoupled stay listed while another thread of their process is decoupled. The array is the caller's own:
 * nothing changes it later.
 *
 * Return: number of elements, or -EINVAL (NULL, size, negative pid), -ESRCH (no such process), -EPERM, -ENOMEM.
 */
int decouple_status(int pid, struct decouple_thread **threads, unsigned int size);

/* Frees an array of decouple_status(); NULL is allowed. */
void decouple_status_free(struct decouple_thread *threads);

/**
 * struct decouple_kvm_figure - one of KVM's statistics of a decoupled thread's vCPU
 * @name: as KVM names it ("exits", "irq_exits", "signal_exits" ...): which there are depends on the kernel
 * @value: a cumulative one counts from the moment at which the thread was decoupled
 */
struct decouple_kvm_figure {
	char name[48];
	__u64 value;
};

/**
 * decouple_kvm_figures - KVM's statistics of a decoupled thread's vCPU, those that are not 0
 * @pid: the process
 * @tid: the thread
 * @figures: set to an array to be freed with decouple_kvm_figures_free(); NULL if there are none or the call fails
 * @size: sizeof(struct decouple_kvm_figure), the distance of two elements
 *
 * Asks the process's resident, which reads them; where that does not answer within 100 ms (a stopped process), they are what it read last.
 * Costs nothing while nobody asks, and nothing on the dedicated core.
 *
 * Return: number of elements, 0 also where KVM has no statistics (before Linux 5.14), or -EINVAL (NULL, size, pid or tid not positive),
 * -ENOENT (the thread is not decoupled), -ESRCH (no such process), -EPERM, -ENOMEM.
 */
int decouple_kvm_figures(int pid, int tid, struct decouple_kvm_figure **figures, unsigned int size);

/* Frees an array of decouple_kvm_figures(); NULL is allowed. */
void decouple_kvm_figures_free(struct decouple_kvm_figure *figures);

/**
 * decouple_state_name, decouple_reason_text - a number in words
 * @state: decouple_thread::state; @reason: decouple_thread::reason
 *
 * Return: a constant string; "unknown" for a number without a name, empty for DECOUPLE_REASON_NONE. They can't fail.
 */
const char *decouple_state_name(unsigned int state);
const char *decouple_reason_text(unsigned int reason);

/**
 * decouple_error - what the last call that failed in this thread failed at, and what to do
 *
 * Return: a sentence; empty if no call failed. Valid until the next call fails in this thread, or the thread ends.
 */
const char *decouple_error(void);

/* The library's version: a constant string such as "0.1". */
const char *decouple_version(void);

#ifdef __cplusplus
}
#endif

#endif
