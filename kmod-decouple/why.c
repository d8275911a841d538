// SPDX-License-Identifier: GPL-2.0-only
/*
 * A disturbance from exit to entry, and attribution as a whole: on while somebody reads.
 *
 * KVM's exit reason can't be asked for (kvm_x86_ops is not exported), but KVM counts: what it counted between two entries of a vCPU tells
 * whether an interrupt or the guest itself was the reason. Causes are collected from one entry to the next, since on SVM before Linux 6.10
 * pending interrupts are served before kvm_exit is traced.
 */
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/kvm_host.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/vmalloc.h>
#include <asm/msr.h>

#include "../include/decouple/layout.h"
#include "compat.h"
#include "decouple.h"
#include "guest.h"
#include "why_core.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

DEFINE_PER_CPU(struct decouple_why_core *, decouple_why_cores);
atomic64_t decouple_why_unplaced = ATOMIC64_INIT(0);
struct decouple_why_asked decouple_why_asked;
bool decouple_why_smis;

static DEFINE_MUTEX(lock); /* of what follows, but for readers of epoch */
static unsigned int users;
static u64 epochs, epoch; /* epoch: 0: off */
static unsigned long (*to_hva)(struct kvm *kvm, gfn_t page); /* kvm is held as long as we have it */

/* The name is a string: what is behind its end stays. */
static struct decouple_why_cause *clear(struct decouple_why_cause *cause, enum decouple_cause_kind kind)
{
	cause->kind = kind;
	cause->number = 0;
	cause->core = -1;
	cause->pid = 0;
	cause->own = false;
	cause->address = 0;
	cause->function = NULL;
	cause->name[0] = 0;
	return cause;
}

struct decouple_why_cause *decouple_why_add(struct decouple_why_core *c, enum decouple_cause_kind kind)
{
	long i = local_inc_return(&c->count) - 1; /* one instruction: who interrupts us gets the next place */

	if (!i)
		c->first = decouple_why_now();
	if (i >= DECOUPLE_CAUSES)
		return NULL;
	return clear(&c->causes[i], kind);
}

unsigned long decouple_why_address(struct kvm_vcpu *vcpu, u64 address)
{
	unsigned long page = KVM_HVA_ERR_BAD;

	/* On shadow paging, as for PVM, it is the program's own. */
	if (address >= DECOUPLE_GPA_MEMORY)
		page = to_hva(vcpu->kvm, gpa_to_gfn(address));
	return kvm_is_error_hva(page) ? (unsigned long)address : page + offset_in_page(address);
}

/* Exits that only the guest's own instructions make. */
static u64 asked(const struct kvm_vcpu *vcpu)
{
	return vcpu->stat.halt_exits + vcpu->stat.io_exits + vcpu->stat.mmio_exits + vcpu->stat.hypercalls +
	       vcpu->stat.insn_emulation;
}

static struct decouple_why_cause *append(struct decouple_why_record *r, enum decouple_cause_kind kind)
{
	if (r->count == DECOUPLE_CAUSES) {
		r->more++;
		return NULL;
	}
	return clear(&r->causes[r->count++], kind);
}

/* What is behind the IPI that came first. */
static struct decouple_why_cause *put_first(struct decouple_why_record *r, enum decouple_cause_kind kind)
{
	struct decouple_why_cause last;

	if (r->count == DECOUPLE_CAUSES) {
		r->count--;
		r->more++;
	}
	append(r, kind);
	last = r->causes[r->count - 1];
	memmove(&r->causes[1], &r->causes[0], (r->count - 1) * sizeof(last));
	r->causes[0] = last;
	return &r->causes[0];
}

static bool by_ipi(const struct decouple_why_record *r)
{
	return !r->count || r->causes[0].kind == DECOUPLE_CAUSE_RESCHEDULE || r->causes[0].kind == DECOUPLE_CAUSE_CALL;
}

/*
 * The process's own doing: its kick, or the flush behind a change of its memory, for which KVM stops the vCPU by an IPI. A vCPU that came back
 * from user space is flushed for its new state as well.
 */
static void add_own(struct decouple_session *s, struct decouple_why_record *r, bool kicked, bool flushed)
{
	u64 at = smp_load_acquire(&s->process->why_unmapped_at); /* pairs with why_probes.c: unmapped */
	enum decouple_cause_kind kind = DECOUPLE_CAUSE_KICK;
	struct decouple_why_cause *cause;

	if (!kicked) {
		if (!flushed || at == s->why.unmapped_seen || r->flags & DECOUPLE_DISTURBANCE_USER)
			return;
		s->why.unmapped_seen = at;
		kind = DECOUPLE_CAUSE_UNMAP;
	}
	cause = by_ipi(r) ? put_first(r, kind) : append(r, kind);
	if (!cause)
		return;
	cause->own = true;
	if (kind == DECOUPLE_CAUSE_UNMAP)
		cause->address = READ_ONCE(s->process->why_unmapped);
}

/* SMIs let no guest exit that Linux would see: they come to light at the next record. */
static void add_smis(struct decouple_why_core *c, struct decouple_why_record *r)
{
	struct decouple_why_cause *cause;
	u64 smis;

	if (!decouple_why_smis || decouple_rdmsr_safe(MSR_SMI_COUNT, &smis))
		return;
	if (c->smis_known && smis != c->smis) {
		cause = append(r, DECOUPLE_CAUSE_SMI);
		if (cause)
			cause->number = (u32)(smis - c->smis);
	}
	c->smis = smis;
	c->smis_known = true;
}

/* What was collected, if it was for this thread: else where it was, or who was here. */
static void add_seen(struct decouple_why_core *c, struct decouple_why_thread *t, struct decouple_why_record *r)
{
	struct decouple_why_cause *cause;
	long seen;

	if (t->core != r->core) {
		append(r, DECOUPLE_CAUSE_MOVED)->core = (int)t->core;
	} else if (c->task != current) {
		cause = append(r, DECOUPLE_CAUSE_SWITCH);
		cause->pid = c->pid;
		cause->own = c->mm == current->mm;
		memcpy(cause->name, c->comm, sizeof(c->comm));
	} else {
		seen = local_read(&c->count);
		r->count = (unsigned int)min_t(long, seen, DECOUPLE_CAUSES);
		r->more = (unsigned int)(seen - r->count);
		memcpy(r->causes, c->causes, r->count * sizeof(r->causes[0]));
		if (r->count && c->first < r->time)
			r->time = c->first;
		if (c->returned)
			r->flags |= DECOUPLE_DISTURBANCE_USER;
	}
}

static bool saw(const struct decouple_why_record *r, enum decouple_cause_kind kind)
{
	unsigned int i;

	for (i = 0; i < r->count; i++)
		if (r->causes[i].kind == kind)
			return true;
	return false;
}

static void count_asked(struct decouple_why_asked *asked, u64 ns)
{
	atomic64_inc(&asked->count);
	atomic64_add((s64)ns, &asked->ns);
}

static void count(struct decouple_why_total *total, u64 ns)
{
	WRITE_ONCE(total->count, total->count + 1);
	WRITE_ONCE(total->sum_ns, total->sum_ns + ns);
	if (ns > total->max_ns)
		WRITE_ONCE(total->max_ns, ns);
}

static void finish(struct decouple_why_core *c, struct decouple_session *s, struct kvm_vcpu *vcpu, u64 now)
{
	struct decouple_why_record *r = &c->ring[c->head & (DECOUPLE_WHY_RING - 1)];
	struct decouple_why_thread *t = &s->why;
	bool interrupted = vcpu->stat.irq_exits != t->interrupts, kicked = xchg(&t->kicked, false), fault;

	/* Its readers see by the head that it is being overwritten. */
	r->time = t->left;
	r->core = smp_processor_id();
	r->flags = r->count = r->more = 0;
	add_seen(c, t, r);
	fault = saw(r, DECOUPLE_CAUSE_PAGE_FAULT);
	if (!interrupted && !fault && (asked(vcpu) != t->asked || (c->task == current && c->asked))) {
		count_asked(&s->process->why_asked, now - t->left);
		count_asked(&decouple_why_asked, now - t->left);
		return;
	}
	r->exit = interrupted                  ? DECOUPLE_EXIT_INTERRUPT
		  : fault                      ? DECOUPLE_EXIT_PAGE_FAULT
		  : saw(r, DECOUPLE_CAUSE_NMI) ? DECOUPLE_EXIT_NMI
					       : DECOUPLE_EXIT_OTHER;
	add_own(s, r, kicked, vcpu->stat.tlb_flush != t->flushes);
	add_smis(c, r);
	if (!r->count)
		append(r, DECOUPLE_CAUSE_UNKNOWN);
	r->duration = now - r->time;
	r->process = s->process;
	r->pid = s->task->tgid;
	r->tid = s->task->pid;
	count(&t->totals[r->causes[0].kind], r->duration);
	trace_decouple_disturbance(r);
	smp_store_release(&c->head, c->head + 1); /* pairs with why_reader.c: take */
}

void decouple_why_enter(struct decouple_session *s, struct kvm_vcpu *vcpu)
{
	struct decouple_why_core *c = this_cpu_read(decouple_why_cores);
	struct decouple_why_thread *t = &s->why;
	u64 current_epoch = READ_ONCE(epoch);

	if (!current_epoch) /* somebody else watches */
		return;
	if (t->epoch == current_epoch && t->left) {
		if (c)
			finish(c, s, vcpu, decouple_why_now());
		else
			atomic64_inc(&decouple_why_unplaced);
	}
	t->epoch = current_epoch;
	t->left = 0;
	t->core = smp_processor_id();
	t->interrupts = vcpu->stat.irq_exits;
	t->asked = asked(vcpu);
	t->flushes = vcpu->stat.tlb_flush;
	if (!c)
		return;
	local_set(&c->count, 0);
	c->asked = c->returned = false;
	if (c->task == current)
		return;
	WRITE_ONCE(c->mm, current->mm);
	c->pid = current->pid;
	memcpy(c->comm, current->comm, sizeof(c->comm));
	WRITE_ONCE(c->task, current);
}

void decouple_why_leave(struct decouple_session *s, struct kvm_vcpu *vcpu)
{
	struct decouple_why_thread *t = &s->why;

	if (t->epoch == READ_ONCE(epoch))
		t->left = decouple_why_now();
}

static void make_core(unsigned int cpu)
{
	struct decouple_why_core **at = per_cpu_ptr(&decouple_why_cores, cpu);

	lockdep_assert_held(&lock);
	if (!*at)
		smp_store_release(at, kvzalloc_node(sizeof(**at), GFP_KERNEL, cpu_to_node(cpu)));
}

static void free_cores(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
	{
		kvfree(per_cpu(decouple_why_cores, cpu));
		per_cpu(decouple_why_cores, cpu) = NULL;
	}
}

static int make_cores(void)
{
	cpumask_var_t cores;
	unsigned int cpu;

	if (!zalloc_cpumask_var(&cores, GFP_KERNEL))
		return -ENOMEM;
	decouple_vcpu_cores(cores);
	for_each_cpu(cpu, cores) make_core(cpu);
	free_cpumask_var(cores);
	return 0;
}

void decouple_why_look_again(void)
{
	mutex_lock(&lock);
	make_cores(); /* if it fails, what comes there is lost still */
	mutex_unlock(&lock);
}

void decouple_why_prepare(const struct cpumask *cores)
{
	unsigned int cpu;

	mutex_lock(&lock);
	if (users)
		for_each_cpu(cpu, cores) make_core(cpu);
	mutex_unlock(&lock);
}

static int switch_on(void)
{
	u64 smis;
	int err;

	to_hva = symbol_get(gfn_to_hva);
	if (!to_hva)
		return -ENODEV;
	err = make_cores();
	if (err)
		goto err_kvm;
	decouple_why_smis = boot_cpu_data.x86_vendor == X86_VENDOR_INTEL && !decouple_rdmsr_safe(MSR_SMI_COUNT, &smis);
	decouple_why_probes_register();
	WRITE_ONCE(epoch, ++epochs);
	err = decouple_guest_watch(DECOUPLE_GUEST_STAYS);
	if (err)
		goto err_probes;
	return 0;

err_probes:
	WRITE_ONCE(epoch, 0);
	decouple_why_probes_unregister();
	free_cores();
err_kvm:
	symbol_put(gfn_to_hva);
	return err;
}

int decouple_why_on(void)
{
	int err = 0;

	mutex_lock(&lock);
	if (!users)
		err = switch_on();
	users += !err;
	mutex_unlock(&lock);
	return err;
}

void decouple_why_off(void)
{
	mutex_lock(&lock);
	if (!--users) {
		WRITE_ONCE(epoch, 0);
		decouple_guest_unwatch(DECOUPLE_GUEST_STAYS);
		decouple_why_probes_unregister();
		tracepoint_synchronize_unregister(); /* somebody else may still watch, and be in enter() */
		free_cores();
		symbol_put(gfn_to_hva);
	}
	mutex_unlock(&lock);
}
