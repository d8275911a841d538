// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens on a core, by the kernel's own tracepoints. A probe looks first whether a vCPU thread of ours was on this core at all; it
 * takes no lock and allocates nothing. Preemption is off in all of them.
 */
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/kvm_host.h>
#include <linux/smp.h>
#include <linux/timer.h>
#include <linux/tracepoint.h>
#include <linux/workqueue.h>

#include "../include/decouple/layout.h"
#include "compat.h"
#include "decouple.h"
#include "why_core.h"

/* An IPI that was sent longer ago is another one. */
#define SENT_TO_TAKEN_NS NSEC_PER_SEC

/* The core that is looked at; NULL: this one is not. */
static struct decouple_why_core *here(void)
{
	struct decouple_why_core *c = this_cpu_read(decouple_why_cores);

	return c && READ_ONCE(c->task) ? c : NULL;
}

/* The same for what the vCPU thread does itself, in KVM. */
static struct decouple_why_core *own(void)
{
	struct decouple_why_core *c = here();

	return c && c->task == current ? c : NULL;
}

/* Kinds are the probes' data. */
#define KIND(kind) ((void *)(unsigned long)(kind))

static void vector_taken(void *kind, int vector)
{
	struct decouple_why_core *c = here();
	struct decouple_why_cause *cause = c ? decouple_why_add(c, (enum decouple_cause_kind)(unsigned long)kind) : NULL;

	if (cause)
		cause->number = (u32)vector;
}

static void send(unsigned int cpu, unsigned long callsite, bool call)
{
	struct decouple_why_core *c = per_cpu(decouple_why_cores, cpu);
	struct decouple_why_sent *sent;

	if (!c || !READ_ONCE(c->task))
		return;
	sent = &c->inbox[(unsigned int)atomic_inc_return(&c->sent) & (DECOUPLE_WHY_INBOX - 1)];
	WRITE_ONCE(sent->kind, DECOUPLE_CAUSE_UNKNOWN);
	smp_wmb(); /* pairs with smp_rmb() in find_sender() */
	WRITE_ONCE(sent->time, decouple_why_now());
	sent->core = raw_smp_processor_id();
	sent->pid = in_task() ? current->pid : 0;
	sent->own = in_task() && current->mm && current->mm == READ_ONCE(c->mm);
	sent->function = (const void *)callsite;
	smp_store_release(&sent->kind, call ? DECOUPLE_CAUSE_CALL : DECOUPLE_CAUSE_RESCHEDULE);
}

static void sent_to_one(void *unused, const unsigned int cpu, unsigned long callsite, void *callback)
{
	send(cpu, callsite, callback);
}

static void sent_to_many(void *unused, const struct cpumask *cpus, unsigned long callsite, void *callback)
{
	unsigned int cpu;

	for_each_cpu(cpu, cpus) send(cpu, callsite, callback);
}

/* The youngest of that kind which nobody has taken. */
static void find_sender(struct decouple_why_core *c, struct decouple_why_cause *cause)
{
	unsigned int last = (unsigned int)atomic_read(&c->sent), i;
	u64 now = decouple_why_now(), time;
	struct decouple_why_sent *sent;

	for (i = 0; i < DECOUPLE_WHY_INBOX; i++) {
		sent = &c->inbox[(last - i) & (DECOUPLE_WHY_INBOX - 1)];
		if (smp_load_acquire(&sent->kind) != cause->kind)
			continue;
		time = READ_ONCE(sent->time);
		if ((s64)(now - time) > (s64)SENT_TO_TAKEN_NS)
			continue;
		cause->core = sent->core;
		cause->pid = sent->pid;
		cause->own = sent->own;
		cause->function = sent->function;
		smp_rmb();
		/* Overwritten meanwhile: it is another one's. */
		if (READ_ONCE(sent->time) == time && cmpxchg(&sent->kind, cause->kind, DECOUPLE_CAUSE_UNKNOWN) == cause->kind)
			return;
		cause->core = -1;
		cause->pid = 0;
		cause->own = false;
		cause->function = NULL;
	}
}

static void ipi_taken(void *kind, int vector)
{
	struct decouple_why_core *c = here();
	struct decouple_why_cause *cause = c ? decouple_why_add(c, (enum decouple_cause_kind)(unsigned long)kind) : NULL;

	if (!cause)
		return;
	cause->number = (u32)vector;
	find_sender(c, cause);
}

static void irq_taken(void *unused, int irq, struct irqaction *action)
{
	struct decouple_why_core *c = here();
	struct decouple_why_cause *cause = c ? decouple_why_add(c, DECOUPLE_CAUSE_IRQ) : NULL;

	if (!cause)
		return;
	cause->number = (u32)irq;
	if (action->name)
		strscpy(cause->name, action->name, sizeof(cause->name));
}

static void softirq(void *unused, unsigned int number)
{
	struct decouple_why_core *c = here();
	struct decouple_why_cause *cause = c ? decouple_why_add(c, DECOUPLE_CAUSE_SOFTIRQ) : NULL;

	if (cause)
		cause->number = number;
}

static void function(enum decouple_cause_kind kind, const void *called)
{
	struct decouple_why_core *c = here();
	struct decouple_why_cause *cause = c ? decouple_why_add(c, kind) : NULL;

	if (cause)
		cause->function = called;
}

static void nmi(void *unused, void *handler, s64 delta_ns, int handled)
{
	if (handled)
		function(DECOUPLE_CAUSE_NMI, handler);
}

static void hrtimer(void *unused, struct hrtimer *timer, ktime_t *now)
{
	function(DECOUPLE_CAUSE_HRTIMER, timer->function);
}

static void timer(void *unused, struct timer_list *timer, unsigned long baseclk)
{
	function(DECOUPLE_CAUSE_TIMER, timer->function);
}

static void work(void *unused, struct work_struct *work)
{
	function(DECOUPLE_CAUSE_WORK, work->func);
}

static void called(void *unused, smp_call_func_t called, call_single_data_t *csd)
{
	function(DECOUPLE_CAUSE_FUNCTION, called);
}

static void switched(void *unused, bool preempt, struct task_struct *prev, struct task_struct *next, unsigned int prev_state)
{
	struct decouple_why_core *c = here();
	struct decouple_why_cause *cause = c && next != c->task ? decouple_why_add(c, DECOUPLE_CAUSE_SWITCH) : NULL;

	if (!cause)
		return;
	cause->pid = next->pid;
	cause->own = next->mm && next->mm == c->mm;
	memcpy(cause->name, next->comm, TASK_COMM_LEN);
}

static void page_fault(void *unused, struct kvm_vcpu *vcpu, u64 address, u64 error_code)
{
	struct decouple_why_core *c = own();
	struct decouple_why_cause *cause;

	if (!c)
		return;
	if (address - DECOUPLE_GPA_DOORBELL < DECOUPLE_DOORBELL_SIZE) {
		c->asked = true;
		return;
	}
	cause = decouple_why_add(c, DECOUPLE_CAUSE_PAGE_FAULT);
	if (!cause)
		return;
	cause->address = decouple_why_address(vcpu, address);
	cause->number = (u32)error_code;
}

static void guest_asked(void)
{
	struct decouple_why_core *c = own();

	if (c)
		c->asked = true;
}

static void cpuid_asked(void *unused, unsigned int function, unsigned int index, unsigned long rax, unsigned long rbx,
			unsigned long rcx, unsigned long rdx, bool found, bool used_max_basic)
{
	guest_asked();
}

static void msr_asked(void *unused, unsigned int write, u32 number, u64 data, bool exception)
{
	guest_asked();
}

static void register_asked(void *unused, unsigned int write, unsigned int number, unsigned long value)
{
	guest_asked();
}

static void fast_mmio_asked(void *unused, u64 address)
{
	guest_asked();
}

static void returned(void *unused, u32 reason, int error)
{
	struct decouple_why_core *c = own();

	if (c)
		c->returned = true;
}

/* By the thread that changes the memory: what the kernel does by itself (reclaim, compaction) is not the process's doing. */
static void unmapped(void *unused, unsigned long start, unsigned long end)
{
	struct decouple_process *p;

	if (!current->mm)
		return;
	rcu_read_lock();
	p = decouple_process_of_group(current->signal);
	if (p && p->mm == current->mm) {
		WRITE_ONCE(p->why_unmapped, start);
		smp_store_release(&p->why_unmapped_at, decouple_why_now()); /* pairs with why.c: add_own */
	}
	rcu_read_unlock();
}

static struct {
	const char *name;
	void *probe;
	void *data;
	u32 tells; /* if it is there */
	struct tracepoint *tp;
	bool registered;
} points[] = {
	{"local_timer_entry", vector_taken, KIND(DECOUPLE_CAUSE_LOCAL_TIMER)},
	{"reschedule_entry", ipi_taken, KIND(DECOUPLE_CAUSE_RESCHEDULE)},
	{"call_function_entry", ipi_taken, KIND(DECOUPLE_CAUSE_CALL)},
	{"call_function_single_entry", ipi_taken, KIND(DECOUPLE_CAUSE_CALL)},
	{"irq_work_entry", vector_taken, KIND(DECOUPLE_CAUSE_IRQ_WORK)},
	{"thermal_apic_entry", vector_taken, KIND(DECOUPLE_CAUSE_THERMAL)},
	{"threshold_apic_entry", vector_taken, KIND(DECOUPLE_CAUSE_THRESHOLD)},
	{"deferred_error_apic_entry", vector_taken, KIND(DECOUPLE_CAUSE_DEFERRED_ERROR)},
	{"x86_platform_ipi_entry", vector_taken, KIND(DECOUPLE_CAUSE_PLATFORM_IPI)},
	{"error_apic_entry", vector_taken, KIND(DECOUPLE_CAUSE_APIC_ERROR)},
	{"spurious_apic_entry", vector_taken, KIND(DECOUPLE_CAUSE_SPURIOUS)},
	{"irq_handler_entry", irq_taken},
	{"softirq_entry", softirq},
	{"nmi_handler", nmi},
	{"hrtimer_expire_entry", hrtimer},
	{"timer_expire_entry", timer},
	{"workqueue_execute_start", work},
	{"sched_switch", switched},
	{"ipi_send_cpu", sent_to_one, NULL, DECOUPLE_WHY_SENDERS}, /* 6.5, as the next */
	{"ipi_send_cpumask", sent_to_many},
	{"csd_function_entry", called, NULL, DECOUPLE_WHY_FUNCTIONS}, /* 6.5 */
	/* Of kvm. */
	{"kvm_page_fault", page_fault},
	{"kvm_cpuid", cpuid_asked},
	{"kvm_msr", msr_asked},
	{"kvm_cr", register_asked},
	{"kvm_fast_mmio", fast_mmio_asked},
	{"kvm_userspace_exit", returned},
	{"kvm_unmap_hva_range", unmapped},
};

static void find(struct tracepoint *tp, void *unused)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(points); i++)
		if (!strcmp(tp->name, points[i].name))
			points[i].tp = tp;
}

static int find_in_module(struct notifier_block *block, unsigned long event, void *data)
{
	struct tp_module *m = data;
	tracepoint_ptr_t *at;

	if (event == MODULE_STATE_COMING && !strcmp(m->mod->name, "kvm"))
		for (at = m->mod->tracepoints_ptrs; at < m->mod->tracepoints_ptrs + m->mod->num_tracepoints; at++)
			find(tracepoint_ptr_deref(at), NULL);
	return NOTIFY_OK;
}

void decouple_why_probes_register(void)
{
	struct notifier_block modules = {.notifier_call = find_in_module};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(points); i++)
		points[i].tp = NULL; /* of a kvm that has gone since */
	for_each_kernel_tracepoint(find, NULL);
	register_tracepoint_module_notifier(&modules); /* comes back for those that are there; kvm stays */
	unregister_tracepoint_module_notifier(&modules);
	for (i = 0; i < ARRAY_SIZE(points); i++)
		points[i].registered =
			points[i].tp && !tracepoint_probe_register(points[i].tp, points[i].probe, points[i].data);
}

void decouple_why_probes_unregister(void)
{
	unsigned int i;

	for (i = ARRAY_SIZE(points); i--;) {
		if (points[i].registered)
			tracepoint_probe_unregister(points[i].tp, points[i].probe, points[i].data);
		points[i].registered = false;
	}
	tracepoint_synchronize_unregister();
}

unsigned int decouple_why_probes(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(points); i++)
		n += points[i].registered;
	return n;
}

u32 decouple_why_tells(void)
{
	unsigned int i;
	u32 tells = 0;

	for (i = 0; i < ARRAY_SIZE(points); i++)
		if (points[i].registered)
			tells |= points[i].tells;
	return tells;
}
