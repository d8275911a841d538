// SPDX-License-Identifier: GPL-2.0-only
// part-of: kill
// Preloaded into an unchanged program: SIGKILL before the call number KILL_AT, counted from 1, of those by which `decouple cores` changes
// anything: files, directories, affinities, the journal.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void count(void)
{
	static int calls, kill_at = -1;

	if (kill_at < 0) {
		const char *text = getenv("KILL_AT");

		kill_at = text ? atoi(text) : 0;
	}
	if (++calls == kill_at)
		kill(getpid(), SIGKILL);
}

#define COUNTED(type, name, parameters, arguments)                                                                             \
	type name parameters                                                                                                   \
	{                                                                                                                      \
		static type(*next) parameters;                                                                                 \
                                                                                                                               \
		count();                                                                                                       \
		if (!next)                                                                                                     \
			*(void **)&next = dlsym(RTLD_NEXT, #name);                                                             \
		return next arguments;                                                                                         \
	}

COUNTED(ssize_t, write, (int fd, const void *bytes, size_t size), (fd, bytes, size))
COUNTED(int, mkdir, (const char *path, unsigned int mode), (path, mode))
COUNTED(int, rmdir, (const char *path), (path))
COUNTED(int, rename, (const char *from, const char *to), (from, to))
COUNTED(int, unlink, (const char *path), (path))
COUNTED(int, fsync, (int fd), (fd))
COUNTED(int, fdatasync, (int fd), (fd))
COUNTED(int, sched_setaffinity, (pid_t tid, size_t size, const cpu_set_t *cores), (tid, size, cores))
