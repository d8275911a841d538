// SPDX-License-Identifier: GPL-2.0-only
/* The files of /sys/kernel/decouple that belong to the module as a whole; docs/abi.md. */
#include <linux/capability.h>
#include <linux/kobject.h>
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
	&version_attr.attr,
	&cores_attr.attr,
	&recouple_attr.attr,
	NULL,
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
