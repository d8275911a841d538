// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/decouple/recouple: a process's manager is told, once, whatever thread's number was written, and whether it slept or not; numbers
 * of the writer's pid namespace; nothing else is taken. What the resident makes of it: recouple_all.sh.
 */
#define _GNU_SOURCE
#include "gate_client.h"

#include <sched.h>
#include <sys/wait.h>

/* The errno of the write; 0: taken. */
static int ask(const char *text)
{
	int fd = open(DECOUPLE_SYSFS "/recouple", O_WRONLY | O_CLOEXEC), error = 0;

	CHECK(fd >= 0);
	if (write(fd, text, strlen(text)) < 0)
		error = errno;
	close(fd);
	return error;
}

static int ask_number(int pid)
{
	char text[32];

	snprintf(text, sizeof(text), "%d\n", pid);
	return ask(text);
}

static volatile long answer = -1;
static volatile int manager;

static void *manage(void *unused)
{
	(void)unused;
	manager = gettid();
	answer = gate_call(DECOUPLE_GATE_MANAGE, 0, 0);
	return NULL;
}

static void wait_asleep(int tid)
{
	char path[64], line[256] = "";

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	for (int i = 0; i < 20000 && !strstr(line, ") S "); i++) {
		int fd = open(path, O_RDONLY);

		line[read(fd, line, sizeof(line) - 1)] = 0;
		close(fd);
		nanosleep(&(struct timespec){0, 100000}, NULL);
	}
	CHECK(strstr(line, ") S "));
}

static void told_asleep(int number(void))
{
	pthread_t thread;

	answer = -1;
	manager = 0;
	pthread_create(&thread, NULL, manage, NULL);
	while (!manager)
		sched_yield();
	wait_asleep(manager);
	CHECK(answer == -1);
	CHECK(ask_number(number()) == 0);
	pthread_join(thread, NULL);
	CHECK(answer == DECOUPLE_WAKE_RECOUPLE);
}

static int any_thread(void)
{
	return manager;
}

static void other_namespace(void)
{
	/* There the child is 1; here 1 is another process. */
	pid_t child;
	int status;

	CHECK(unshare(CLONE_NEWPID) == 0);
	child = fork();
	if (!child) {
		gate_open();
		gate_session(1, getpid());
		CHECK(getpid() == 1 && ask_number(1) == 0);
		CHECK(gate_call(DECOUPLE_GATE_MANAGE, 0, 0) == DECOUPLE_WAKE_RECOUPLE);
		_exit(7);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 7 << 8);
}

int main(void)
{
	static const char *const texts[] = {"\n", "0", "-1", "x", "1 2", "1x", "99999999999", "4294967297"};
	const uint64_t soon = 1000000;
	int child, in[2];

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (ask(texts[i]) != EINVAL) {
			printf("\"%s\" is taken\n", texts[i]);
			return 1;
		}
	CHECK(ask_number(4194303) == ESRCH); /* none */
	CHECK(ask_number(2) == ESRCH); /* of the kernel */
	CHECK(ask_number(1) == ESRCH); /* not decoupled */
	CHECK(ask_number(getpid()) == ESRCH);
	gate_open();
	CHECK(ask_number(getpid()) == ESRCH);
	gate_session(1, getpid());

	CHECK(pipe(in) == 0);
	child = fork();
	if (!child) {
		char byte;

		close(in[1]);
		_exit(read(in[0], &byte, 1) != 0);
	}
	CHECK(ask_number(child) == ESRCH); /* its copy has no gate */
	close(in[1]);
	CHECK(waitpid(child, NULL, 0) == child);

	/* Before it sleeps, then while it sleeps; told once. */
	CHECK(ask_number(getpid()) == 0);
	CHECK(gate_call(DECOUPLE_GATE_MANAGE, 0, 0) == DECOUPLE_WAKE_RECOUPLE);
	CHECK(gate_call(DECOUPLE_GATE_MANAGE, 0, soon) == DECOUPLE_WAKE_TIMEOUT);
	told_asleep(getpid);
	told_asleep(any_thread);
	CHECK(gate_call(DECOUPLE_GATE_POKE, 0, 0) == 0);
	CHECK(gate_call(DECOUPLE_GATE_MANAGE, 0, 0) == DECOUPLE_WAKE_BELL);
	other_namespace();
	CHECK(gate_call(DECOUPLE_GATE_MANAGE, 0, soon) == DECOUPLE_WAKE_TIMEOUT);
	CHECK(gate_call(DECOUPLE_GATE_REMOVE, 1, 0) == 0);
	CHECK(ask_number(getpid()) == ESRCH);
	printf("managers are told\n");
	return 0;
}
