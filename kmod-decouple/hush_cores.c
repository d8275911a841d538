// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which cores are hushed: root writes "CORE:MILLISECONDS" to /sys/kernel/decouple/hush. A core that goes offline is no longer; whenever one
 * comes or goes, who keeps the time is chosen anew. What the kernel or machine does not allow is refused, and the kernel's log says why.
 */
#include <linux/capability.h>
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/ctype.h>
#include <linux/kobject.h>
#include <linux/kthread.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/workqueue.h>
#include <asm/tsc.h>

#include "decouple.h"
#include "guest.h"
#include "hush.h"
#include "sysfs.h"
#include "timekeeper.h"

static DEFINE_MUTEX(lock); /* of all of this */
static struct cpumask hushed; /* read without */
static DEFINE_PER_CPU(unsigned int, milliseconds);
static bool closing; /* under cpus_read_lock() */

struct visit {
	unsigned int milliseconds; /* 0: only to resign */
	const char *why;
	bool resigned;
	struct completion done;
};

/* On the core, above all that is there: a realtime thread of the kernel, as play_idle_precise() demands. */
static int visiting(void *data)
{
	struct visit *v = data;

	sched_set_fifo(current);
	if (v->milliseconds)
		v->why = decouple_hush_core_prepare(v->milliseconds);
	if (!v->why)
		v->resigned = decouple_timekeeper_resign();
	if (v->resigned && v->milliseconds)
		decouple_hush_core_on();
	kthread_complete_and_exit(&v->done, 0); /* not here any more when the module may go */
}

/* cpus_read_lock() held. */
static int visit(unsigned int core, struct visit *v)
{
	struct task_struct *thread;

	if (!cpu_online(core))
		return -ENODEV;
	init_completion(&v->done);
	thread = kthread_create_on_cpu(visiting, v, core, "decouple-hush/%u");
	if (IS_ERR(thread))
		return (int)PTR_ERR(thread);
	wake_up_process(thread);
	wait_for_completion(&v->done);
	return 0;
}

static long refuse(unsigned int core, long err, const char *why)
{
	pr_notice("decouple: core %u can't be hushed: %s\n", core, why);
	return err;
}

static void switch_off(unsigned int core)
{
	if (!cpumask_test_and_clear_cpu(core, &hushed))
		return;
	decouple_hush_core_off(core);
	decouple_timekeepers_set(&hushed);
	if (cpumask_empty(&hushed))
		decouple_guest_unwatch(DECOUPLE_GUEST_STAYS);
}

static long switch_on(unsigned int core, unsigned int ms)
{
	struct visit v = {.milliseconds = ms};
	const char *why = decouple_hush_unfit(core);
	long err;

	if (why)
		return refuse(core, -EOPNOTSUPP, why);
	switch_off(core);
	if (cpumask_empty(&hushed)) {
		err = decouple_guest_watch(DECOUPLE_GUEST_STAYS);
		if (err)
			return refuse(core, err, "KVM is not there: load kvm_intel or kvm_amd first");
	}
	cpumask_set_cpu(core, &hushed);
	per_cpu(milliseconds, core) = ms;
	err = decouple_timekeepers_set(&hushed);
	if (err == -EBUSY)
		refuse(core, err, "no core is left that keeps the time");
	if (!err) {
		cpus_read_lock();
		err = visit(core, &v);
		cpus_read_unlock();
	}
	if (!err && !v.resigned)
		err = refuse(core, -EBUSY,
			     "the kernel goes on having it keep the time (idle=poll, nohz=off, or others are too busy)");
	if (!err && v.why)
		err = refuse(core, -EOPNOTSUPP, v.why);
	if (err)
		switch_off(core);
	return err;
}

/* Behind a change of the processors that are online: none that is hushed may have inherited the time. */
static void settle(struct work_struct *work)
{
	struct visit v;
	unsigned int core;
	int err;

	/* Until that change is over. */
	cpus_read_lock();
	cpus_read_unlock();
	mutex_lock(&lock);
	for_each_cpu(core, &hushed)
	{
		if (!cpu_online(core))
			switch_off(core);
	}
	if (decouple_timekeepers_set(&hushed) == -EBUSY)
		for_each_cpu(core, &hushed) switch_off(core);
	for_each_cpu(core, &hushed)
	{
		v = (struct visit){};
		cpus_read_lock();
		err = visit(core, &v);
		cpus_read_unlock();
		if (err || !v.resigned) {
			refuse(core, 0, "other processors came or went, and it would have to keep the time");
			switch_off(core);
		}
	}
	mutex_unlock(&lock);
}

static DECLARE_WORK(settling, settle);

/* The callers are CPU hotplug's, which excludes those who change `closing`. */
static void processors_changed(void)
{
	if (!closing && !cpumask_empty(&hushed))
		schedule_work(&settling);
}

void decouple_hush_cpu_online(unsigned int cpu)
{
	processors_changed();
}

void decouple_hush_cpu_offline(unsigned int cpu)
{
	decouple_hush_core_lost();
	processors_changed();
}

/* "CORE:MILLISECONDS", digits only, as is what is read. */
static long parse(char *text, unsigned int *core, unsigned int *ms)
{
	char *second = strchr(text, ':');

	if (!second)
		return -EINVAL;
	*second++ = 0;
	if (!isdigit(*text) || !isdigit(*second) || kstrtouint(text, 10, core) || kstrtouint(second, 10, ms))
		return -EINVAL;
	if (*core >= nr_cpu_ids || !cpu_possible(*core) || strchr(second, '\n'))
		return -EINVAL;
	return !*ms || (*ms >= DECOUPLE_HUSH_MS_MIN && *ms <= DECOUPLE_HUSH_MS_MAX) ? 0 : -EINVAL;
}

static long set(char *text)
{
	unsigned int core, ms;
	long err = parse(text, &core, &ms);

	if (err)
		return err;
	if (mutex_lock_interruptible(&lock))
		return -EINTR;
	if (ms)
		err = switch_on(core, ms);
	else
		switch_off(core);
	mutex_unlock(&lock);
	return err;
}

static ssize_t hush_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf, size_t count)
{
	char *text;
	long err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	text = kmemdup_nul(buf, count && buf[count - 1] == '\n' ? count - 1 : count, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	err = strlen(text) + 1 >= count ? set(text) : -EINVAL;
	kfree(text);
	return err ? err : (ssize_t)count;
}

static ssize_t hush_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	unsigned int core;
	int n = 0;

	mutex_lock(&lock);
	for_each_cpu(core, &hushed) n += sysfs_emit_at(buf, n, "%u:%u\n", core, per_cpu(milliseconds, core));
	mutex_unlock(&lock);
	return n;
}

static struct kobj_attribute hush_attr = __ATTR_RW(hush);

/* CORE STAYS SERVICES TICKS MILLISECONDS */
static ssize_t hush_counts_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct decouple_hush_counts counts;
	unsigned int core;
	int n = 0;

	mutex_lock(&lock);
	for_each_cpu(core, &hushed)
	{
		decouple_hush_core_counts(core, &counts);
		n += sysfs_emit_at(buf, n, "%u %llu %llu %llu %llu\n", core, counts.stays, counts.services, counts.ticks,
				   div_u64(counts.cycles, tsc_khz));
	}
	mutex_unlock(&lock);
	return n;
}

static struct kobj_attribute hush_counts_attr = __ATTR_RO(hush_counts);

static const struct attribute *attrs[] = {&hush_attr.attr, &hush_counts_attr.attr, NULL};

int decouple_hush_init(void)
{
	return sysfs_create_files(decouple_sysfs_dir(), attrs);
}

void decouple_hush_exit(void)
{
	unsigned int core;

	sysfs_remove_files(decouple_sysfs_dir(), attrs); /* waits for who is writing */
	cpus_read_lock();
	closing = true;
	cpus_read_unlock();
	cancel_work_sync(&settling);
	mutex_lock(&lock);
	for_each_cpu(core, &hushed) switch_off(core);
	mutex_unlock(&lock);
}
