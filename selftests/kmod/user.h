/* SPDX-License-Identifier: GPL-2.0-only */
/* Being somebody else, for the tests of rights. Root, in a child process. */
#ifndef SELFTESTS_KMOD_USER_H
#define SELFTESTS_KMOD_USER_H

#include "calls.h"

#include <grp.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define SOMEBODY 54321
#define OTHER 54322
#define GROUP 12345 /* has the device */

/* Dumpable again: the change of user made him undumpable, as it does until the next execve. */
static inline void become(uid_t user)
{
	gid_t group = GROUP;

	MUST(setgroups(1, &group));
	MUST(setresgid(user, user, user));
	MUST(setresuid(user, user, user));
	MUST(prctl(PR_SET_DUMPABLE, 1));
}

/* The device is the group's while `body` runs. */
static inline int with_device(int (*body)(void))
{
	struct stat info;
	int result;

	close(open_device());
	if (geteuid() != 0)
		test_skip("only root can be somebody else");
	MUST(stat(DECOUPLE_DEVICE, &info));
	MUST(chown(DECOUPLE_DEVICE, 0, GROUP));
	result = body();
	MUST(chown(DECOUPLE_DEVICE, 0, info.st_gid));
	return result;
}

/* Exit status of a child that becomes `user` and runs `body`. */
static inline int as(uid_t user, void (*body)(void))
{
	pid_t child = (pid_t)MUST(fork());

	if (child == 0) {
		MUST(prctl(PR_SET_PDEATHSIG, SIGKILL));
		become(user);
		body();
		_exit(0);
	}
	return wait_child(child);
}

/* What stands between the caller and another process: the errno of opening its memory, or of binding; 0: it is bound. */
static inline int bind_process(pid_t pid)
{
	struct decouple_bind bind;
	char path[64];
	int device, error;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	bind.mem_fd = open(path, O_RDWR | O_CLOEXEC);
	if (bind.mem_fd < 0)
		return errno;
	memset(bind.reserved, 0, sizeof(bind.reserved));
	device = open_device();
	error = error_of(device, DECOUPLE_BIND, &bind);
	close(device);
	close(bind.mem_fd);
	return error;
}

/* A process that does `prepare` and then waits; it dies with the test. Returns when it is ready. */
static inline pid_t waiting_process(void (*prepare)(void))
{
	int ready[2];
	char byte = 0;
	pid_t child;

	MUST(pipe(ready));
	child = (pid_t)MUST(fork());
	if (child == 0) {
		prepare();
		/* Behind it: a change of credentials takes it away. */
		MUST(prctl(PR_SET_PDEATHSIG, SIGKILL));
		MUST(write(ready[1], &byte, 1));
		for (;;)
			pause();
	}
	close(ready[1]);
	REQUIRE(read(ready[0], &byte, 1) == 1);
	close(ready[0]);
	return child;
}

#endif
