/* SPDX-License-Identifier: GPL-2.0-only */
/* The module's directory in sysfs, /sys/kernel/decouple. */
#ifndef DECOUPLE_SYSFS_H
#define DECOUPLE_SYSFS_H

struct kobject;

int decouple_sysfs_init(void);
void decouple_sysfs_exit(void);

/* The directory; for directories in it. */
struct kobject *decouple_sysfs_dir(void);

#endif
