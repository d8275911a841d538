/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioctl interface of /dev/decouple. C and C++.
 *
 * Rules for every call: the argument is a pointer to the structure named in the call's number; fields and bits called reserved
 * must be zero; all integers are in the machine's byte order, and no structure has holes. Errors that every call has:
 *
 *   -ENOTTY   no such call, or its structure has another size
 *   -EFAULT   the structure can't be read or written
 *   -EINVAL   a reserved field isn't zero
 */
#ifndef DECOUPLE_UAPI_H
#define DECOUPLE_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define DECOUPLE_DEVICE "/dev/decouple"
#define DECOUPLE_SYSFS "/sys/kernel/decouple"

/* Incremented with each incompatible change; a program and a module of different numbers have nothing to say to each other. */
#define DECOUPLE_ABI_VERSION 1

#define DECOUPLE_IOCTL_TYPE 0xDC

#define DECOUPLE_VERSION_LENGTH 32

/**
 * struct decouple_version - what the module is and can do
 * @abi: out: DECOUPLE_ABI_VERSION of the module
 * @reserved0: in: zero; out: zero
 * @features: out: DECOUPLE_FEATURE_* bits; those not known to the program are to be ignored
 * @module: out: version of the module as text, with a terminating zero
 * @reserved: in: zero; out: zero
 */
struct decouple_version {
	__u32 abi;
	__u32 reserved0;
	__u64 features;
	char module[DECOUPLE_VERSION_LENGTH];
	__u64 reserved[4];
};

/**
 * DECOUPLE_GET_VERSION - ask for version and features
 *
 * Argument: &struct decouple_version. Needs nothing but the open device.
 *
 * Return: 0, or an error that every call has.
 * Availability: all versions; its number and structure never change.
 */
#define DECOUPLE_GET_VERSION _IOWR(DECOUPLE_IOCTL_TYPE, 0x00, struct decouple_version)

#endif
