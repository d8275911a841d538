// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ends of captured threads and of their process, each in a child of its own: exit, execve, SIGKILL and a gate that is unmapped, with the
 * thread in the gate, about to be captured, or native. Nothing hangs, and nothing holds the module behind it (the rig unloads it).
 */
#define _GNU_SOURCE
#include "gate_client.h"

#include <sys/wait.h>

static volatile int tid, stop;

static void *spin(void *unused)
{
	(void)unused;
	tid = gettid();
	while (!stop)
		;
	return NULL;
}

/* A session of a spinning thread; `calls` so large that the thread stays in the gate when it is captured. */
static void captured(uint64_t calls, int wait)
{
	pthread_t thread;

	gate_open();
	pthread_create(&thread, NULL, spin, NULL);
	while (!tid)
		sched_yield();
	gate_session(1, tid);
	gate_calls[1] = calls;
	CHECK(gate_call(DECOUPLE_GATE_CAPTURE, 1, 0) == 0);
	if (wait)
		CHECK(gate_captured(1, 0, 2000));
}

static void exit_in_gate(void)
{
	captured(1ull << 60, 1);
	_exit(7);
}
static void exit_armed(void)
{
	captured(1, 0);
	_exit(7);
}
static void exit_native(void)
{
	captured(1, 1);
	_exit(7);
}
static void thread_ends(void)
{
	captured(1, 1);
	stop = 1;
	while (!syscall(SYS_tgkill, getpid(), tid, 0))
		sched_yield();
	CHECK(gate_call(DECOUPLE_GATE_CAPTURE, 1, 0) == 0);
	CHECK(gate_call(DECOUPLE_GATE_REMOVE, 1, 0) == 0);
	CHECK(gate_call(DECOUPLE_GATE_REMOVE, 1, 0) == -EINVAL);
	_exit(7);
}
static void execute(void)
{
	captured(1ull << 60, 1);
	execl("/bin/sh", "sh", "-c", "exit 7", NULL);
}
static void be_killed(void)
{
	captured(1ull << 60, 1);
	kill(getpid(), SIGKILL);
}
static void unmap(void)
{
	captured(1, 1);
	CHECK(munmap((void *)gate_address, DECOUPLE_GATE_SIZE) == 0);
	_exit(7);
}
/* A child has no gate: its calls fail, the parent's session is untouched. */
static void forks(void)
{
	int status;
	pid_t child;

	captured(1, 1);
	child = fork();
	if (!child)
		_exit(gate_call(DECOUPLE_GATE_CAPTURE, 1, 0) == -ENOMEM ? 3 : 4);
	CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 3);
	CHECK(gate_call(DECOUPLE_GATE_CAPTURE, 1, 0) == 0);
	_exit(7);
}
/* Calls of threads that they are not for, and numbers that are none. */
static void garbage(void)
{
	captured(1, 1);
	CHECK(gate_call(DECOUPLE_GATE_RETURN, 1, 0) == -EPERM);
	CHECK(gate_call(DECOUPLE_GATE_WAIT, 1, 0) == -EPERM);
	CHECK(gate_call(DECOUPLE_GATE_INTERRUPT_FIRST, 1, 0) == -EPERM);
	CHECK(gate_call(DECOUPLE_GATE_ADD, 2, (uint64_t)tid) == -EBUSY);
	CHECK(gate_call(DECOUPLE_GATE_ADD, 1, (uint64_t)getpid()) == -EBUSY);
	CHECK(gate_call(DECOUPLE_GATE_ADD, 2, 1) == -ESRCH);
	CHECK(gate_call(DECOUPLE_GATE_ADD, 2, ~0ull) == -ESRCH);
	CHECK(gate_call(DECOUPLE_GATE_DOORBELL, 1, 999) == -EBADF);
	CHECK(gate_call(DECOUPLE_GATE_DOORBELL, 1, 0) == -EINVAL);
	for (uint64_t frame = DECOUPLE_GATE_FRAMES - 1; frame; frame = frame * 2 + 1) {
		if (frame >= DECOUPLE_GATE_FRAMES)
			CHECK(gate_call(DECOUPLE_GATE_ADD, frame, (uint64_t)getpid()) == -EINVAL);
		for (uint64_t call = 2; call < 40; call++)
			if (call != DECOUPLE_GATE_MANAGE && call != DECOUPLE_GATE_POKE)
				CHECK(gate_call(call, frame, call) == -EINVAL);
		if (frame == ~0ull)
			break;
	}
	_exit(7);
}

static const struct {
	const char *name;
	void (*run)(void);
	int status;
} cases[] = {
	{"exit in the gate", exit_in_gate, 7 << 8},
	{"exit while armed", exit_armed, 7 << 8},
	{"exit natively", exit_native, 7 << 8},
	{"end of the thread", thread_ends, 7 << 8},
	{"execve", execute, 7 << 8},
	{"SIGKILL", be_killed, SIGKILL},
	{"munmap of the gate", unmap, 7 << 8},
	{"fork", forks, 7 << 8},
	{"garbage", garbage, 7 << 8},
};

int main(void)
{
	int bad = 0;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int status = 0;
		pid_t child = fork();

		if (!child) {
			alarm(60);
			cases[i].run();
			_exit(99);
		}
		CHECK(waitpid(child, &status, 0) == child);
		if (status != cases[i].status) {
			printf("%s: wait status %x instead of %x\n", cases[i].name, status, cases[i].status);
			bad = 1;
		}
	}
	return bad;
}
