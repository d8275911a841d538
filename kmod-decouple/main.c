// SPDX-License-Identifier: GPL-2.0-only
/* Load and unload, the device /dev/decouple and the dispatch of its calls. */
#include <linux/bitmap.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include <decouple/uapi.h>

#include "compat.h"
#include "control.h"
#include "decouple.h"
#include "guest.h"
#include "hush.h"
#include "sysfs.h"

/* The text must fit in struct decouple_version with its terminating zero. */
static_assert(sizeof(DECOUPLE_MODULE_VERSION) <= DECOUPLE_VERSION_LENGTH);

static long get_version(struct file *file, void __user *arg)
{
	struct decouple_version version;

	if (copy_from_user(&version, arg, sizeof(version)))
		return -EFAULT;
	if (version.reserved0 || memchr_inv(version.reserved, 0, sizeof(version.reserved)))
		return -EINVAL;
	memset(&version, 0, sizeof(version));
	version.abi = DECOUPLE_ABI_VERSION;
	strscpy(version.module, DECOUPLE_MODULE_VERSION, sizeof(version.module));
	return copy_to_user(arg, &version, sizeof(version)) ? -EFAULT : 0;
}

static long bind(struct file *file, void __user *arg)
{
	struct decouple_bind b;

	if (copy_from_user(&b, arg, sizeof(b)))
		return -EFAULT;
	if (memchr_inv(b.reserved, 0, sizeof(b.reserved)))
		return -EINVAL;
	return decouple_controller_bind(file->private_data, b.mem_fd);
}

static long map(struct file *file, void __user *arg)
{
	struct decouple_map m;
	long err;

	if (copy_from_user(&m, arg, sizeof(m)))
		return -EFAULT;
	if (m.gate || memchr_inv(m.reserved, 0, sizeof(m.reserved)))
		return -EINVAL;
	err = decouple_controller_map(file->private_data, &m);
	if (err)
		return err;
	return copy_to_user(arg, &m, sizeof(m)) ? -EFAULT : 0;
}

static long start(struct file *file, void __user *arg)
{
	struct decouple_start s;

	if (copy_from_user(&s, arg, sizeof(s)))
		return -EFAULT;
	if (s.reserved0 || memchr_inv(s.reserved, 0, sizeof(s.reserved)))
		return -EINVAL;
	return decouple_controller_start(file->private_data, &s);
}

static long poke(struct file *file, void __user *arg)
{
	return decouple_controller_poke(file->private_data);
}

static long get_cores(struct file *file, void __user *arg)
{
	DECLARE_BITMAP(granted, DECOUPLE_CORES_MAX);
	struct decouple_cores c;

	static_assert(sizeof(granted) == sizeof(c.cores));
	if (copy_from_user(&c, arg, sizeof(c)))
		return -EFAULT;
	if (memchr_inv(&c, 0, sizeof(c)))
		return -EINVAL;
	decouple_cores_of_caller(granted);
	memcpy(c.cores, granted, sizeof(c.cores)); /* x86-64: the same bits */
	return copy_to_user(arg, &c, sizeof(c)) ? -EFAULT : 0;
}

static long use_cores(struct file *file, void __user *arg)
{
	struct decouple_cores c;

	if (copy_from_user(&c, arg, sizeof(c)))
		return -EFAULT;
	if (memchr_inv(c.reserved, 0, sizeof(c.reserved)))
		return -EINVAL;
	return decouple_controller_use_cores(file->private_data, &c);
}

static long why(struct file *file, void __user *arg)
{
	struct decouple_why w;

	if (copy_from_user(&w, arg, sizeof(w)))
		return -EFAULT;
	if (memchr_inv(w.reserved, 0, sizeof(w.reserved)))
		return -EINVAL;
	return decouple_controller_why(file->private_data, &w);
}

static long why_counts(struct file *file, void __user *arg)
{
	struct decouple_why_counts counts;
	long err;

	if (copy_from_user(&counts, arg, sizeof(counts)))
		return -EFAULT;
	if (memchr_inv(&counts, 0, sizeof(counts)))
		return -EINVAL;
	err = decouple_controller_why_counts(file->private_data, &counts);
	if (err)
		return err;
	return copy_to_user(arg, &counts, sizeof(counts)) ? -EFAULT : 0;
}

/* The number holds the structure's size: a structure of another size is an unknown call. */
static const struct {
	unsigned int cmd;
	long (*handle)(struct file *file, void __user *arg);
} calls[] = {
	{DECOUPLE_GET_VERSION, get_version},
	{DECOUPLE_BIND, bind},
	{DECOUPLE_MAP, map},
	{DECOUPLE_START, start},
	{DECOUPLE_POKE, poke},
	{DECOUPLE_GET_CORES, get_cores},
	{DECOUPLE_USE_CORES, use_cores},
	{DECOUPLE_WHY, why},
	{DECOUPLE_WHY_COUNTS, why_counts},
};

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].cmd == cmd)
			return calls[i].handle(file, (void __user *)arg);
	return -ENOTTY;
}

static ssize_t device_read(struct file *file, char __user *to, size_t size, loff_t *at)
{
	return decouple_controller_read(file->private_data, to, size);
}

static int device_open(struct inode *inode, struct file *file)
{
	file->private_data = decouple_controller_create();
	return file->private_data ? 0 : -ENOMEM;
}

static int device_release(struct inode *inode, struct file *file)
{
	decouple_controller_destroy(file->private_data);
	return 0;
}

static const struct file_operations device_operations = {
	.owner = THIS_MODULE,
	.open = device_open,
	.release = device_release,
	.read = device_read,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

/* The group is given by udev: packaging/99-decouple.rules. */
static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "decouple",
	.fops = &device_operations,
	.mode = 0660,
};

static int __init decouple_init(void)
{
	int err;

	decouple_capture_init();
	err = decouple_sysfs_init();
	if (err)
		return err;
	err = decouple_controllers_init();
	if (err)
		goto err_sysfs;
	err = decouple_sessions_init();
	if (err)
		goto err_sysfs;
	err = decouple_probes_register();
	if (err)
		goto err_sessions;
	err = decouple_hotplug_init();
	if (err)
		goto err_probes;
	err = decouple_guest_init();
	if (err)
		goto err_hotplug;
	err = decouple_hush_init();
	if (err)
		goto err_guest;
	/* Last: from here on there are callers. */
	err = misc_register(&device);
	if (err)
		goto err_hush;
	return 0;

err_hush:
	decouple_hush_exit();
err_guest:
	decouple_guest_exit();
err_hotplug:
	decouple_hotplug_exit();
err_probes:
	decouple_probes_unregister();
err_sessions:
	decouple_sessions_exit();
	decouple_capture_exit();
err_sysfs:
	decouple_sysfs_exit();
	decouple_grants_exit();
	return err;
}

static void __exit decouple_exit(void)
{
	misc_deregister(&device);
	decouple_hush_exit();
	decouple_guest_exit();
	decouple_hotplug_exit();
	decouple_probes_unregister();
	decouple_sessions_exit();
	decouple_capture_exit();
	decouple_sysfs_exit();
	decouple_grants_exit();
}

module_init(decouple_init);
module_exit(decouple_exit);

MODULE_DESCRIPTION("Runs threads of unmodified processes on dedicated cores, away from Linux");
MODULE_AUTHOR("The Decouple project");
MODULE_VERSION(DECOUPLE_MODULE_VERSION);
MODULE_LICENSE("GPL");
