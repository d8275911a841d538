// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/decouple/TID: one directory per decoupled thread, from the moment it has a vCPU thread to the end of its session. What a
 * reader sees is read without locks, since the removal waits for readers. Counters have one writer, the thread itself.
 */
#include <linux/cpumask.h>
#include <linux/hashtable.h>
#include <linux/sched/task.h>
#include <linux/sysfs.h>

#include "compat.h"
#include "decouple.h"
#include "sysfs.h"

static DEFINE_HASHTABLE(directories, 6);
static DEFINE_MUTEX(directories_lock); /* the hash, and all that is done to a directory */

static struct decouple_session *session_of(struct kobject *kobj)
{
	return container_of(kobj, struct decouple_session, directory);
}

static ssize_t state_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct decouple_session *s = session_of(kobj);
	enum decouple_where where = READ_ONCE(s->where);
	const char *state = where == DECOUPLE_IN_GATE ? "decoupled" : "native";

	if (where == DECOUPLE_GONE || READ_ONCE(s->task->flags) & PF_EXITING)
		state = "gone";
	return sysfs_emit(buf, "%s\n", state);
}

static ssize_t core_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct decouple_session *s = session_of(kobj);
	struct task_struct *vcpu;
	ssize_t len;

	raw_spin_lock_irq(&s->lock);
	vcpu = get_task_struct(s->vcpu);
	raw_spin_unlock_irq(&s->lock);
	len = sysfs_emit(buf, "%*pbl\n", cpumask_pr_args(&vcpu->cpus_mask));
	put_task_struct(vcpu);
	return len;
}

#define COUNTER(name)                                                                                                          \
	static ssize_t name##_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)                               \
	{                                                                                                                      \
		return sysfs_emit(buf, "%llu\n", READ_ONCE(session_of(kobj)->name));                                           \
	}                                                                                                                      \
	static struct kobj_attribute name##_attr = __ATTR_RO(name)

COUNTER(captures);
COUNTER(signals);
COUNTER(sleeps);
COUNTER(interruptions);
COUNTER(returns);

static ssize_t disturbances_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return decouple_why_show(session_of(kobj), buf);
}

static struct kobj_attribute state_attr = __ATTR_RO(state), core_attr = __ATTR_RO(core),
			     disturbances_attr = __ATTR_RO(disturbances);

static struct attribute *directory_attrs[] = {
	&state_attr.attr,   &core_attr.attr,         &captures_attr.attr,
	&signals_attr.attr, &sleeps_attr.attr,       &interruptions_attr.attr,
	&returns_attr.attr, &disturbances_attr.attr, NULL,
};
ATTRIBUTE_GROUPS(directory);

static void released(struct kobject *kobj)
{
	complete(&session_of(kobj)->directory_released);
}

static struct kobj_type directory_type = {
	.sysfs_ops = &kobj_sysfs_ops,
	.release = released,
	.default_groups = directory_groups,
};

/* The session outlives it: nobody has a reference behind this. */
static void put_directory(struct decouple_session *s)
{
	kobject_put(&s->directory);
	wait_for_completion(&s->directory_released);
}

static void remove_directory(struct decouple_session *s)
{
	lockdep_assert_held(&directories_lock);
	hash_del(&s->directory_by_tid);
	kobject_del(&s->directory);
	put_directory(s);
}

void decouple_directory_remove(struct decouple_session *s)
{
	mutex_lock(&directories_lock);
	if (hash_hashed(&s->directory_by_tid))
		remove_directory(s);
	mutex_unlock(&directories_lock);
}

/* A thread that has exited keeps its session until the resident notices; by then its number may be somebody else's. */
static void remove_namesake(pid_t tid)
{
	struct decouple_session *s;
	struct hlist_node *next;

	hash_for_each_possible_safe(directories, s, next, directory_by_tid, tid) if (s->tid == tid) remove_directory(s);
}

long decouple_directory_add(struct decouple_session *s)
{
	long err = -EINVAL;

	mutex_lock(&directories_lock);
	if (READ_ONCE(s->ended)) /* else its removal comes behind us */
		goto unlock;
	err = 0;
	if (hash_hashed(&s->directory_by_tid)) /* of the vCPU thread before */
		goto unlock;
	s->tid = task_pid_nr(s->task);
	init_completion(&s->directory_released);
	memset(&s->directory, 0, sizeof(s->directory)); /* a namesake may have taken it away */
	remove_namesake(s->tid);
	err = kobject_init_and_add(&s->directory, &directory_type, decouple_sysfs_dir(), "%d", s->tid);
	if (err)
		put_directory(s);
	else
		hash_add(directories, &s->directory_by_tid, s->tid);
unlock:
	mutex_unlock(&directories_lock);
	return err;
}
