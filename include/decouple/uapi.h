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

/*
 * Milliseconds that DECOUPLE_SYSFS "/hush" takes for a core, besides 0. Beyond the upper bound the ACPI PM timer (24 bits, 4.7 s) could wrap
 * between two looks of the clocksource watchdog, which are half a second apart and come by timers of each processor in turn; and the hard lockup
 * detector (10 s) could miss the timer that feeds it (4 s).
 */
#define DECOUPLE_HUSH_MS_MIN 10
#define DECOUPLE_HUSH_MS_MAX 4000

/* Incremented with each incompatible change; a program and a module of different numbers have nothing to say to each other. */
#define DECOUPLE_ABI_VERSION 5

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

/**
 * struct decouple_bind - the process that an open device is for
 * @mem_fd: in: /proc/PID/mem of the process, open for reading and writing
 * @reserved: in: zero
 */
struct decouple_bind {
	__s32 mem_fd;
	__u32 reserved[3];
};

/**
 * DECOUPLE_BIND - choose the process, once for each open device
 *
 * Argument: &struct decouple_bind. The descriptor is the authority: the kernel has checked at its open(2) that the caller may trace the
 * process (credentials, dumpable, Yama, security modules), whatever happens to the process's credentials later.
 *
 * Return: 0; -EBADF no such descriptor; -EPERM it is not /proc/PID/mem of a living process, or not open for reading and writing;
 * -EBUSY the device is bound already; -ENOMEM.
 * Availability: ABI 1.
 */
#define DECOUPLE_BIND _IOW(DECOUPLE_IOCTL_TYPE, 0x01, struct decouple_bind)

/**
 * struct decouple_map - room for the resident, and the gate
 * @image: in: address for the resident's image; page-aligned, the range to be free of mappings
 * @image_size: in: its size in bytes, a multiple of 4096, at most 16 MiB
 * @gate: out: address of the gate, behind the image
 * @reserved: in: zero
 */
struct decouple_map {
	__u64 image;
	__u64 image_size;
	__u64 gate;
	__u64 reserved[5];
};

/**
 * DECOUPLE_MAP - map anonymous memory for the image, and the gate (gate.h) behind it, into the bound process
 *
 * Argument: &struct decouple_map. The process runs on meanwhile. Both stay when the device is closed, but are unmapped then if there has been
 * no session by that time: an attach that fails, or whose controller dies, leaves nothing.
 *
 * Return: 0; -ENXIO the device is not bound; -EEXIST part of the range is in use; -EBUSY the gate was mapped before, or is being mapped;
 * -EPERM the caller may not map there (vm.mmap_min_addr, security modules); -ESRCH the process has ended; -ENOMEM; -EINVAL address or size.
 * Availability: ABI 1.
 */
#define DECOUPLE_MAP _IOWR(DECOUPLE_IOCTL_TYPE, 0x02, struct decouple_map)

/**
 * struct decouple_start - a call of the resident's first function
 * @tid: in: the thread of the bound process that makes it, in the caller's pid namespace
 * @reserved0: in: zero
 * @entry: in: address of the function
 * @stack: in: its stack pointer
 * @reserved: in: zero
 */
struct decouple_start {
	__s32 tid;
	__u32 reserved0;
	__u64 entry;
	__u64 stack;
	__u64 reserved[5];
};

/**
 * DECOUPLE_START - have a thread enter the resident
 *
 * Argument: &struct decouple_start. The thread is captured with frame 0 of the gate, whose entry is the function, and leaves it by
 * DECOUPLE_GATE_RETURN. Returns when that is under way.
 *
 * Return: 0; -ENXIO the device is not bound, or no gate is mapped (any more); -ESRCH no such thread in that process; -EBUSY frame 0 is
 * in use; -ENOEXEC a 32-bit thread; -EOPNOTSUPP Syscall User Dispatch is on; -ENOMEM. Sessions get no vCPU without DECOUPLE_USE_CORES.
 * Availability: ABI 1.
 */
#define DECOUPLE_START _IOW(DECOUPLE_IOCTL_TYPE, 0x03, struct decouple_start)

/**
 * DECOUPLE_POKE - wake the resident's manager, which sleeps in DECOUPLE_GATE_MANAGE
 *
 * No argument.
 *
 * Return: 0; -ENXIO the device is not bound.
 * Availability: ABI 1.
 */
#define DECOUPLE_POKE _IO(DECOUPLE_IOCTL_TYPE, 0x04)

#define DECOUPLE_CORES_MAX 1024

/**
 * struct decouple_cores - a set of cores
 * @cores: bit N % 64 of word N / 64 for core N
 * @reserved: in: zero; out: zero
 */
struct decouple_cores {
	__u64 cores[DECOUPLE_CORES_MAX / 64];
	__u64 reserved[4];
};

/**
 * DECOUPLE_GET_CORES - ask for the cores that are granted to the caller
 *
 * Argument: &struct decouple_cores; @cores in: zero; out: what DECOUPLE_USE_CORES would permit: the grants that root has written to
 * DECOUPLE_SYSFS "/cores" for the caller's effective user and for his groups; every core with CAP_SYS_ADMIN or CAP_SYS_NICE. Needs
 * nothing but the open device.
 *
 * Return: 0, or an error that every call has (-EINVAL also: @cores isn't zero).
 * Availability: ABI 2.
 */
#define DECOUPLE_GET_CORES _IOWR(DECOUPLE_IOCTL_TYPE, 0x05, struct decouple_cores)

/**
 * DECOUPLE_USE_CORES - let the bound process have vCPUs on cores
 *
 * Argument: &struct decouple_cores; @cores in: a set that isn't empty. It is added to what the process may use already, and holds until
 * its gate is gone. A thread becomes a vCPU thread (DECOUPLE_GATE_VCPU) only while its affinity is within the process's set.
 *
 * Return: 0; -ENXIO the device is not bound; -EPERM not all of them are granted to the caller; -EINVAL the set is empty, or has a core that
 * this machine can't have.
 * Availability: ABI 2.
 */
#define DECOUPLE_USE_CORES _IOW(DECOUPLE_IOCTL_TYPE, 0x06, struct decouple_cores)

#define DECOUPLE_WHY_ALL 1u

/**
 * struct decouple_why - whose disturbances
 * @flags: in: 0: those of the bound process; DECOUPLE_WHY_ALL: of all processes
 * @reserved: in: zero
 */
struct decouple_why {
	__u32 flags;
	__u32 reserved[7];
};

/**
 * DECOUPLE_WHY - switch attribution on, and make this open device its reader
 *
 * Argument: &struct decouple_why. From here on read(2) of the device gives struct decouple_disturbance (why.h), as many as there are and
 * fit, in the order of time for each core; it never waits: -EAGAIN there is none, -EINVAL no room for one, -ENXIO no DECOUPLE_WHY before.
 * It holds until the device is closed. Whoever does not read in time loses the oldest. The tracepoints that this needs are probed only while
 * anybody reads.
 *
 * Return: 0; -ENXIO not bound, and not DECOUPLE_WHY_ALL; -EPERM DECOUPLE_WHY_ALL without CAP_SYS_ADMIN in the initial user namespace; -EINVAL
 * an unknown flag; -EBUSY it is a reader already; -ENODEV kvm is not loaded; -ENOMEM.
 * Availability: ABI 4.
 */
#define DECOUPLE_WHY _IOW(DECOUPLE_IOCTL_TYPE, 0x07, struct decouple_why)

/* This kernel tells ... */
#define DECOUPLE_WHY_SENDERS 1u /* ... who sends an IPI */
#define DECOUPLE_WHY_FUNCTIONS 2u /* ... what is called by one */
#define DECOUPLE_WHY_SMIS 4u /* ... how many SMIs there were */

/**
 * struct decouple_why_counts - what does not come as a record; since DECOUPLE_WHY of this open device
 * @lost: out: records that were overwritten before they were read; with a bound process those of others on its cores are among them
 * @self_initiated: out: exits that the guest asked for
 * @self_initiated_ns: out: time until the entries behind them
 * @tells: out: DECOUPLE_WHY_SENDERS ...
 * @probes: out: tracepoints that are probed for it now
 * @reserved: in: zero; out: zero
 */
struct decouple_why_counts {
	__u64 lost;
	__u64 self_initiated;
	__u64 self_initiated_ns;
	__u32 tells;
	__u32 probes;
	__u64 reserved[4];
};

/**
 * DECOUPLE_WHY_COUNTS - ask for the counts of this reader
 *
 * Argument: &struct decouple_why_counts, all zero.
 *
 * Return: 0; -ENXIO no DECOUPLE_WHY before.
 * Availability: ABI 4.
 */
#define DECOUPLE_WHY_COUNTS _IOWR(DECOUPLE_IOCTL_TYPE, 0x08, struct decouple_why_counts)

#endif
