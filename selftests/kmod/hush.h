/* SPDX-License-Identifier: GPL-2.0-only */
/* For the tests of hush: a child that is decoupled by the module on core 1, which is hushed or not. Root. */
#ifndef SELFTESTS_KMOD_HUSH_H
#define SELFTESTS_KMOD_HUSH_H

#define _GNU_SOURCE
#include "testlib.h"

#include <sched.h>
#include <sys/prctl.h>

#include "decouple/uapi.h"

#define HUSH "/sys/kernel/decouple/hush"
#define CORE 1

static inline void hush_required(void)
{
	if (access(HUSH, F_OK))
		test_skip("no " HUSH ": the module is not loaded");
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		test_skip("one core: there is none to hush");
}

/* 0: off. An overloaded machine may find nobody who keeps the time in time. */
static inline void hush(unsigned ms)
{
	char text[32];
	int fd = (int)MUST(open(HUSH, O_WRONLY | O_CLOEXEC)), size = snprintf(text, sizeof(text), "%d:%u\n", CORE, ms);

	for (unsigned try = 0; try < 20; try++) {
		if (write(fd, text, (size_t)size) == size) {
			close(fd);
			return;
		}
		sleep_ms(500);
	}
	printf("%s can't be written to " HUSH ": %s\n", text, strerror(errno));
	exit(1);
}

static inline void on_core(int core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	MUST(sched_setaffinity(0, sizeof(set), &set));
}

/* It dies with the test. */
static inline pid_t start_child(void (*body)(void))
{
	pid_t pid = (pid_t)MUST(fork());

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		body();
		_exit(0);
	}
	return pid;
}

static inline void command(const char *what, pid_t pid)
{
	const char *program = getenv("DECOUPLE");
	char text[300];

	snprintf(text, sizeof(text), "timeout 60 %s %s %d >/dev/null", program ? program : "build/decouple", what, pid);
	if (system(text)) {
		printf("`%s` fails\n", text);
		exit(1);
	}
}

static inline void decouple(pid_t pid)
{
	command("--reflector module --cores 1", pid);
}

static inline void recouple(pid_t pid)
{
	command("recouple", pid);
}

#endif
