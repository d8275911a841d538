// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU thread of ours enters and leaves guest mode, or its guest waits for memory: KVM's own tracepoints, which cost nothing until somebody
 * wants to know.
 *
 * kvm_entry is the last place before guest mode, with interrupts off. kvm_exit comes with interrupts still off on VMX, and on SVM from Linux 6.10
 * on; before, SVM has served the pending interrupts and enabled preemption by then.
 *
 * kvm_try_async_get_page comes where a page is not there and the vCPU has a local APIC in the kernel: a worker fetches it, and the guest tries
 * again. If it can't be had, as behind the end of a file, that goes on for ever (arch/x86/kvm/mmu/mmu.c, virt/kvm/async_pf.c).
 */
#include <linux/kvm_host.h>
#include <linux/limits.h>
#include <linux/mutex.h>
#include <linux/tracepoint.h>

#include "compat.h"
#include "decouple.h"
#include "guest.h"
#include "hush.h"
#include "why.h"

/* Of all VMs, so that nothing is done but to look whether it is ours. */
static void entering(void *unused, struct kvm_vcpu *vcpu DECOUPLE_KVM_ENTRY_MORE)
{
	struct decouple_session *s;

	rcu_read_lock();
	s = decouple_session_of_vcpu(current);
	if (s)
		decouple_why_enter(s, vcpu);
	rcu_read_unlock();
	/*
	 * Last, and not in a reader's section: RCU may not watch this core behind it. KVM sends an interrupt to a guest that is to exit at once,
	 * from here on, which may be traced; and it is not worth it.
	 */
	if (s && !DECOUPLE_KVM_ENTRY_EXITS)
		decouple_hush_enter();
}

static void leaving(void *unused, struct kvm_vcpu *vcpu, u32 isa)
{
	struct decouple_session *s;

	decouple_hush_leave(); /* first: RCU watches again */
	rcu_read_lock();
	s = decouple_session_of_vcpu(current);
	if (s)
		decouple_why_leave(s, vcpu);
	rcu_read_unlock();
}

/* The second time in a row for one page: what is wrong is Linux's to say. An interruption for nothing costs some microseconds. */
static void fetching(void *unused, u64 address, u64 gfn)
{
	struct decouple_session *s;

	rcu_read_lock();
	s = decouple_session_of_vcpu(current);
	if (s && s->fetched == gfn) {
		WRITE_ONCE(s->frame->unfetched, 1);
		decouple_interrupt_task(s->process, current);
	}
	if (s)
		s->fetched = gfn;
	rcu_read_unlock();
}

static struct {
	enum decouple_guest_watched what;
	const char *name;
	void *probe;
	int priority; /* among all probes of the tracepoint, the highest first */
	struct tracepoint *tp; /* NULL: kvm is not loaded */
	bool registered;
} points[] = {
	/* In this order, so that nobody enters unseen by leaving(). */
	{DECOUPLE_GUEST_STAYS, .name = "kvm_exit", .probe = leaving, .priority = INT_MAX},
	{DECOUPLE_GUEST_STAYS, .name = "kvm_entry", .probe = entering, .priority = INT_MIN},
	{DECOUPLE_GUEST_FETCHES, .name = "kvm_try_async_get_page", .probe = fetching},
};
static DEFINE_MUTEX(lock); /* of points and users */
static unsigned int users[DECOUPLE_GUEST_WATCHED];

static void unregister(enum decouple_guest_watched what)
{
	unsigned int i;

	for (i = ARRAY_SIZE(points); i--;) {
		if (points[i].what != what)
			continue;
		if (points[i].registered)
			tracepoint_probe_unregister(points[i].tp, points[i].probe, NULL);
		points[i].registered = false;
	}
	/* entering() may run until here. A vCPU thread in the guest by then is let out by whoever withdraws. */
	tracepoint_synchronize_unregister();
}

static int register_all(enum decouple_guest_watched what)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < ARRAY_SIZE(points); i++) {
		if (points[i].what != what)
			continue;
		err = points[i].tp ? tracepoint_probe_register_prio(points[i].tp, points[i].probe, NULL, points[i].priority)
				   : -ENODEV;
		points[i].registered = !err;
	}
	if (err)
		unregister(what);
	return err;
}

int decouple_guest_watch(enum decouple_guest_watched what)
{
	int err = 0;

	mutex_lock(&lock);
	if (!users[what])
		err = register_all(what);
	users[what] += !err;
	mutex_unlock(&lock);
	return err;
}

void decouple_guest_unwatch(enum decouple_guest_watched what)
{
	mutex_lock(&lock);
	if (!--users[what])
		unregister(what);
	mutex_unlock(&lock);
}

static void found(struct tracepoint *tp, bool there)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(points); i++)
		if (!strcmp(tp->name, points[i].name))
			points[i].tp = there ? tp : NULL;
}

static void found_in_kernel(struct tracepoint *tp, void *unused)
{
	found(tp, true);
}

/* kvm goes only when there is no VM, and so no vCPU thread of ours. Who watches by then watches what comes next in vain, until he asks anew. */
static int module_changed(struct notifier_block *block, unsigned long event, void *data)
{
	struct tp_module *m = data;
	tracepoint_ptr_t *at;

	if (event != MODULE_STATE_COMING && event != MODULE_STATE_GOING)
		return NOTIFY_DONE;
	mutex_lock(&lock);
	if (event == MODULE_STATE_GOING && !strcmp(m->mod->name, "kvm")) {
		unregister(DECOUPLE_GUEST_STAYS);
		unregister(DECOUPLE_GUEST_FETCHES);
	}
	if (!strcmp(m->mod->name, "kvm"))
		for (at = m->mod->tracepoints_ptrs; at < m->mod->tracepoints_ptrs + m->mod->num_tracepoints; at++)
			found(tracepoint_ptr_deref(at), event == MODULE_STATE_COMING);
	mutex_unlock(&lock);
	return NOTIFY_OK;
}

static struct notifier_block modules = {.notifier_call = module_changed};

int decouple_guest_init(void)
{
	for_each_kernel_tracepoint(found_in_kernel, NULL);
	return register_tracepoint_module_notifier(&modules); /* comes back for those that are there */
}

void decouple_guest_exit(void)
{
	unregister_tracepoint_module_notifier(&modules);
}
