/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernel versions: the only place with version conditions.
 *
 * A test for the feature itself (#ifdef of a macro, a type by _Generic) is preferred to LINUX_VERSION_CODE, since distributions
 * carry features back. Each entry says which kernel changed what, and defines the newer kernel's name for the older one.
 */
#ifndef DECOUPLE_COMPAT_H
#define DECOUPLE_COMPAT_H

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 14, 0)
#error "decouple needs Linux 5.14 or newer"
#endif

#if !IS_ENABLED(CONFIG_X86_64)
#error "decouple needs x86-64"
#endif

/* All kernels with CONFIG_PREEMPT_DYNAMIC have it. Without it nobody can tell in an interrupt whether a list is being changed. */
#if !IS_ENABLED(CONFIG_PREEMPT_COUNT)
#error "decouple needs CONFIG_PREEMPT_COUNT"
#endif

/* 6.4: threads of a process that never leave the kernel, other than those of io_uring. */
#ifdef PF_USER_WORKER
#define DECOUPLE_PF_WORKERS (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER)
#else
#define DECOUPLE_PF_WORKERS (PF_KTHREAD | PF_IO_WORKER)
#endif

/* 6.3 made vm_flags read-only but for these; some older distribution kernels have them too, by a macro-less function. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#define decouple_vm_flags_set(vma, flags) ((vma)->vm_flags |= (flags))
#else
#define decouple_vm_flags_set(vma, flags) vm_flags_set(vma, flags)
#endif

/* 6.3: the area has a length of its own; before, it was what the first version of struct rseq takes. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#define decouple_rseq_len(task) 32
#else
#define decouple_rseq_len(task) ((task)->rseq_len)
#endif

/* 6.8: kvm_entry tells whether the entry is for an immediate exit only. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
#define DECOUPLE_KVM_ENTRY_MORE
#define DECOUPLE_KVM_ENTRY_EXITS false
#else
#define DECOUPLE_KVM_ENTRY_MORE , bool force_immediate_exit
#define DECOUPLE_KVM_ENTRY_EXITS force_immediate_exit
#endif

/* 6.16 renamed it. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
#define decouple_rdmsr_safe(msr, value) rdmsrl_safe(msr, value)
#else
#define decouple_rdmsr_safe(msr, value) rdmsrq_safe(msr, value)
#endif

/*
 * Hush depends on what the kernel does around guest mode and with the lists of tracepoints' probes. 6.1 made ct_idle_enter() of
 * rcu_idle_enter(); 6.13 took tracepoint_srcu away. Looked at: 6.1 and 6.12.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 1, 0) && LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define DECOUPLE_HUSH 1
#else
#define DECOUPLE_HUSH 0
#endif

/* 6.8: eventfds count one at a time. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
#define decouple_eventfd_signal(counter) eventfd_signal(counter, 1)
#else
#define decouple_eventfd_signal(counter) eventfd_signal(counter)
#endif

/* 6.2: for timers that arm themselves anew. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define decouple_timer_shutdown(timer) del_timer_sync(timer)
#else
#define decouple_timer_shutdown(timer) timer_shutdown_sync(timer)
#endif

#endif
