/* SPDX-License-Identifier: GPL-2.0-only */
/* The calls of /dev/decouple with their reserved fields, for the tests that hold for every call. */
#ifndef DECOUPLE_SELFTESTS_CALLS_H
#define DECOUPLE_SELFTESTS_CALLS_H

#include "testlib.h"

#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>

#include <decouple/uapi.h>

/* As CHECK, but ends the test (or child): what follows builds on it. */
#define REQUIRE(condition)                                                                                                     \
	do {                                                                                                                   \
		if (!(condition)) {                                                                                            \
			printf("FAIL %s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
			exit(1);                                                                                               \
		}                                                                                                              \
	} while (0)

#define MAX_CALL_SIZE 4096

struct reserved_field {
	size_t offset;
	size_t size; /* 0: end of the list */
};

#define RESERVED(type, field)                                                                                                  \
	{                                                                                                                      \
		offsetof(struct type, field), sizeof(((struct type *)0)->field)                                                \
	}

/* Fields that are only output must be zero as well. */
static const struct call {
	unsigned int cmd; /* of size 0: no argument */
	const char *name;
	struct reserved_field reserved[8];
} calls[] = {
	{
		DECOUPLE_GET_VERSION,
		"DECOUPLE_GET_VERSION",
		{RESERVED(decouple_version, reserved0), RESERVED(decouple_version, reserved)},
	},
	{DECOUPLE_BIND, "DECOUPLE_BIND", {RESERVED(decouple_bind, reserved)}},
	{DECOUPLE_MAP, "DECOUPLE_MAP", {RESERVED(decouple_map, gate), RESERVED(decouple_map, reserved)}},
	{DECOUPLE_START, "DECOUPLE_START", {RESERVED(decouple_start, reserved0), RESERVED(decouple_start, reserved)}},
	{DECOUPLE_POKE, "DECOUPLE_POKE", {{0, 0}}},
	{DECOUPLE_GET_CORES, "DECOUPLE_GET_CORES", {RESERVED(decouple_cores, cores), RESERVED(decouple_cores, reserved)}},
	{DECOUPLE_USE_CORES, "DECOUPLE_USE_CORES", {RESERVED(decouple_cores, reserved)}},
	{DECOUPLE_WHY, "DECOUPLE_WHY", {RESERVED(decouple_why, reserved)}},
	{
		DECOUPLE_WHY_COUNTS,
		"DECOUPLE_WHY_COUNTS",
		{
			RESERVED(decouple_why_counts, lost),
			RESERVED(decouple_why_counts, self_initiated),
			RESERVED(decouple_why_counts, self_initiated_ns),
			RESERVED(decouple_why_counts, tells),
			RESERVED(decouple_why_counts, probes),
			RESERVED(decouple_why_counts, reserved),
		},
	},
};

static inline int open_device(void)
{
	int fd = open(DECOUPLE_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		test_skip("no %s: the module is not loaded", DECOUPLE_DEVICE);
	return (int)MUST(fd);
}

/* The error of the call, 0 if it succeeds. */
static inline int error_of(int fd, unsigned long cmd, void *arg)
{
	return ioctl(fd, cmd, arg) == -1 ? errno : 0;
}

/* The error of writing a text to a file of the module's in sysfs, 0 if it is taken. */
static inline int write_error(const char *file, const char *text)
{
	char path[128];
	int fd, error = 0;

	snprintf(path, sizeof(path), DECOUPLE_SYSFS "/%s", file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		error = errno;
	close(fd);
	return error;
}

static inline void expect_error(const char *what, unsigned long cmd, int error, int expected)
{
	if (error == expected)
		return;
	printf("%s (%#lx): %s instead of %s\n", what, cmd, errno_name(error), errno_name(expected));
	exit(1);
}

#endif
