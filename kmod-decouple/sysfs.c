// SPDX-License-Identifier: GPL-2.0-only
/* The files of /sys/kernel/decouple that belong to the module as a whole. */
#include <linux/kobject.h>
#include <linux/sysfs.h>

#include "compat.h"
#include "sysfs.h"

static struct kobject *dir;

static ssize_t version_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", DECOUPLE_MODULE_VERSION);
}

static struct kobj_attribute version_attr = __ATTR_RO(version);

static struct attribute *attrs[] = {
	&version_attr.attr,
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
