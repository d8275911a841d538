/* SPDX-License-Identifier: GPL-2.0-only */
/* Our own tracepoint, for perf and ftrace: each disturbance while attribution is on. The tracepoint alone does not switch it on. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM decouple

#if !defined(KMOD_DECOUPLE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define KMOD_DECOUPLE_TRACE_H

#include <linux/tracepoint.h>

#include "why_core.h"

/* clang-format off */
#define decouple_cause_names                                                                                                   \
	{DECOUPLE_CAUSE_UNKNOWN, "unknown"}, {DECOUPLE_CAUSE_LOCAL_TIMER, "local_timer"},                                      \
	{DECOUPLE_CAUSE_RESCHEDULE, "reschedule"}, {DECOUPLE_CAUSE_CALL, "call_function"},                                     \
	{DECOUPLE_CAUSE_IRQ_WORK, "irq_work"}, {DECOUPLE_CAUSE_THERMAL, "thermal"},                                            \
	{DECOUPLE_CAUSE_THRESHOLD, "threshold"}, {DECOUPLE_CAUSE_DEFERRED_ERROR, "deferred_error"},                            \
	{DECOUPLE_CAUSE_PLATFORM_IPI, "platform_ipi"}, {DECOUPLE_CAUSE_APIC_ERROR, "apic_error"},                              \
	{DECOUPLE_CAUSE_SPURIOUS, "spurious"}, {DECOUPLE_CAUSE_IRQ, "irq"}, {DECOUPLE_CAUSE_NMI, "nmi"},                       \
	{DECOUPLE_CAUSE_SMI, "smi"}, {DECOUPLE_CAUSE_SOFTIRQ, "softirq"}, {DECOUPLE_CAUSE_SWITCH, "switch"},                   \
	{DECOUPLE_CAUSE_HRTIMER, "hrtimer"}, {DECOUPLE_CAUSE_TIMER, "timer"}, {DECOUPLE_CAUSE_WORK, "work"},                   \
	{DECOUPLE_CAUSE_FUNCTION, "function"}, {DECOUPLE_CAUSE_PAGE_FAULT, "page_fault"},                                      \
	{DECOUPLE_CAUSE_KICK, "kick"}, {DECOUPLE_CAUSE_UNMAP, "unmap"}, {DECOUPLE_CAUSE_MOVED, "moved"}

TRACE_EVENT(decouple_disturbance,
	TP_PROTO(const struct decouple_why_record *r),
	TP_ARGS(r),
	TP_STRUCT__entry(
		__field(u64, time)
		__field(u64, duration)
		__field(u64, address)
		__field(const void *, function)
		__field(pid_t, pid)
		__field(pid_t, tid)
		__field(u32, core)
		__field(u32, cause)
		__field(u32, number)
		__field(s32, from)
		__field(u32, causes)
		__array(char, name, 24)
	),
	TP_fast_assign(
		__entry->time = r->time;
		__entry->duration = r->duration;
		__entry->address = r->causes[0].address;
		__entry->function = r->causes[0].function;
		__entry->pid = r->pid;
		__entry->tid = r->tid;
		__entry->core = r->core;
		__entry->cause = r->causes[0].kind;
		__entry->number = r->causes[0].number;
		__entry->from = r->causes[0].core;
		__entry->causes = r->count + r->more;
		strscpy(__entry->name, r->causes[0].name, sizeof(__entry->name));
	),
	TP_printk("pid=%d tid=%d core=%u start=%llu duration=%llu cause=%s number=%u name=%s function=%ps from=%d address=0x%llx causes=%u",
		  __entry->pid, __entry->tid, __entry->core, __entry->time, __entry->duration,
		  __print_symbolic(__entry->cause, decouple_cause_names), __entry->number, __entry->name, __entry->function,
		  __entry->from, __entry->address, __entry->causes)
);
/* clang-format on */

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
