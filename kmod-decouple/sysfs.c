// SPDX-License-Identifier: GPL-2.0-only
/* The files of /sys/kernel/decouple that belong to the module as a whole; docs/abi.md. */
#include <linux/capability.h>
#include <linux/kmod.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "compat.h"
#include "decouple.h"
#include "sysfs.h"

static struct kobject *dir;

static ssize_t version_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", DECOUPLE_MODULE_VERSION);
}

static struct kobj_attribute version_attr = __ATTR_RO(version);

static ssize_t cores_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return decouple_grants_show(buf);
}

/* Root without capabilities, as in a container, has only the file's mode on his side. */
static ssize_t cores_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf, size_t count)
{
	char *text;
	long err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	text = kmemdup_nul(buf, count && buf[count - 1] == '\n' ? count - 1 : count, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	err = strlen(text) + 1 >= count ? decouple_grant(text) : -EINVAL;
	kfree(text);
	return err ? err : (ssize_t)count;
}

static struct kobj_attribute cores_attr = __ATTR_RW(cores);

static char controller[128] = "/usr/local/bin/decouple";
module_param_string(controller, controller, sizeof(controller), 0644);
MODULE_PARM_DESC(controller, "program that /sys/kernel/decouple/attach runs, with the process's number as its last argument");

/* The program sees the initial pid namespace; 0: no such process. */
static pid_t global_number(pid_t number)
{
	struct task_struct *task;
	pid_t global;

	rcu_read_lock();
	task = pid_task(find_vpid(number), PIDTYPE_PID);
	global = task ? task_pid_nr(task) : 0;
	rcu_read_unlock();
	return global;
}

/*
 * What runs a captured thread is put into its process by a program, with checks and choices that are not the kernel's: so that program is
 * run, and the writer waits for its answer.
 */
static ssize_t attach_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf, size_t count)
{
	char path[sizeof(controller)], number[12];
	char *argv[] = {path, "--reflector", "module", number, NULL};
	char *envp[] = {"HOME=/", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	int pid, status;

	if (kstrtoint(buf, 10, &pid) || pid <= 0)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	pid = global_number(pid);
	if (!pid)
		return -ESRCH;
	kernel_param_lock(THIS_MODULE);
	strscpy(path, controller, sizeof(path));
	kernel_param_unlock(THIS_MODULE);
	argv[0] = strim(path);
	snprintf(number, sizeof(number), "%d", pid);
	status = call_usermodehelper(argv[0], argv, envp, UMH_WAIT_PROC | UMH_KILLABLE);
	return status < 0 ? status : status ? -EIO : (ssize_t)count;
}

static struct kobj_attribute attach_attr = __ATTR_WO(attach);

static ssize_t recouple_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf, size_t count)
{
	long err;
	int pid;

	if (kstrtoint(buf, 10, &pid) || pid <= 0)
		return -EINVAL;
	/* What ptrace(2) would demand of root; others have the device. */
	if (!capable(CAP_SYS_PTRACE))
		return -EPERM;
	err = decouple_process_recouple(pid);
	return err ? err : (ssize_t)count;
}

static struct kobj_attribute recouple_attr = __ATTR_WO(recouple);

static struct attribute *attrs[] = {
	&version_attr.attr, &attach_attr.attr, &cores_attr.attr, &recouple_attr.attr, NULL,
};

static const struct attribute_group group = {
	.attrs = attrs,
};

struct kobject *decouple_sysfs_dir(void)
{
	return dir;
}

int decouple_sysfs_init(void)
{
	int err;

	dir = kobject_create_and_add("decouple", kernel_kobj);
	if (!dir)
		return -ENOMEM;
	err = sysfs_create_group(dir, &group);
	if (err) {
		kobject_put(dir);
		dir = NULL;
	}
	return err;
}

void decouple_sysfs_exit(void)
{
	sysfs_remove_group(dir, &group);
	kobject_put(dir);
	dir = NULL;
}
