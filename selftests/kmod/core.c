// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gate call that brings a thread to a core: only one that a controller has permitted, whatever the thread's affinity was; and a vCPU thread
 * is brought back when it is moved away, as long as it is that.
 */
#define _GNU_SOURCE
#include "gate_client.h"

#include <sched.h>
#include <sys/wait.h>

#define ONLINE "/sys/devices/system/cpu/cpu1/online"

static int on_core(int core)
{
	cpu_set_t set;

	CHECK(sched_getaffinity(0, sizeof(set), &set) == 0);
	return CPU_COUNT(&set) == 1 && CPU_ISSET((size_t)core, &set) && sched_getcpu() == core;
}

static void run_on(pid_t tid, uint64_t cores)
{
	CHECK(syscall(SYS_sched_setaffinity, tid, sizeof(cores), &cores) == 0);
}

static void moment(void)
{
	nanosleep(&(struct timespec){0, 2000000}, NULL);
}

static long returns(int tid)
{
	char path[64], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), DECOUPLE_SYSFS "/%d/returns", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return atol(text);
}

static void set_online(const char *state)
{
	int fd = open(ONLINE, O_WRONLY | O_CLOEXEC);

	CHECK(fd >= 0 && write(fd, state, 1) == 1);
	close(fd);
}

static void refused(void)
{
	int device = gate_open();

	CHECK(gate_call(DECOUPLE_GATE_CORE, 1, 0) == -EINVAL); /* no session */
	gate_session(1, getpid());
	run_on(0, 1);
	CHECK(gate_call(DECOUPLE_GATE_CORE, 1, 0) == -EPERM);
	CHECK(gate_call(DECOUPLE_GATE_CORE, 1, 1) == -EPERM);
	gate_use_cores(device, 1);
	CHECK(gate_call(DECOUPLE_GATE_CORE, 1, 1) == -EPERM);
	CHECK(gate_call(DECOUPLE_GATE_CORE, 1, (uint64_t)sysconf(_SC_NPROCESSORS_CONF)) == -EINVAL);
	CHECK(gate_call(DECOUPLE_GATE_CORE, 1, DECOUPLE_CORES_MAX) == -EINVAL);
	CHECK(gate_call(DECOUPLE_GATE_CORE, 1, 1ull << 32) == -EINVAL);
	CHECK(gate_call(DECOUPLE_GATE_CORE, 1, ~0ull) == -EINVAL);
	CHECK(on_core(0));
	gate_use_cores(device, 2);
	set_online("0");
	CHECK(gate_call(DECOUPLE_GATE_CORE, 1, 1) == -ENODEV);
	set_online("1");
	CHECK(on_core(0));
	CHECK(gate_call(DECOUPLE_GATE_CORE, 1, 1) == 0);
	CHECK(on_core(1));
	_exit(7);
}

/* Until it is a vCPU thread, and when it is no longer, it can be moved. */
static void brought_back(void)
{
	int device = gate_open();

	gate_use_cores(device, 3);
	gate_session(1, getpid());
	CHECK(gate_call(DECOUPLE_GATE_CORE, 1, 1) == 0 && on_core(1));
	run_on(0, 1);
	moment();
	CHECK(on_core(0));
	CHECK(gate_call(DECOUPLE_GATE_CORE, 1, 1) == 0);
	CHECK(gate_call(DECOUPLE_GATE_VCPU, 1, 0) == 0);
	for (int i = 1; i <= 200; i++) {
		run_on(0, 1);
		for (int tries = 0; tries < 5000 && returns(getpid()) < i; tries++)
			moment();
		CHECK(on_core(1));
		CHECK(returns(getpid()) == i);
	}
	/* It may be told another core. */
	CHECK(gate_call(DECOUPLE_GATE_CORE, 1, 0) == 0 && on_core(0));
	moment();
	CHECK(on_core(0) && returns(getpid()) == 200);
	CHECK(gate_call(DECOUPLE_GATE_REMOVE, 1, 0) == 0);
	run_on(0, 2);
	moment();
	CHECK(on_core(1));
	_exit(7);
}

static void *ask_for_0(void *unused)
{
	(void)unused;
	return (void *)gate_call(DECOUPLE_GATE_CORE, 1, 0);
}

/* A session's core is its vCPU thread's affair. */
static void others(void)
{
	pthread_t other;
	void *result;

	gate_use_cores(gate_open(), 3);
	gate_session(1, getpid());
	CHECK(gate_call(DECOUPLE_GATE_CORE, 1, 1) == 0);
	CHECK(gate_call(DECOUPLE_GATE_VCPU, 1, 0) == 0);
	CHECK(pthread_create(&other, NULL, ask_for_0, NULL) == 0 && pthread_join(other, &result) == 0);
	CHECK((long)result == -EBUSY);
	CHECK(on_core(1));
	_exit(7);
}

static void *ends_at_once(void *unused)
{
	gate_call(DECOUPLE_GATE_CORE, 1, 1);
	gate_call(DECOUPLE_GATE_VCPU, 1, 0);
	run_on(0, 1);
	return unused;
}

/* It is on its way back while it ends, or the session does. */
static void ends(void)
{
	pthread_t vcpu;

	gate_use_cores(gate_open(), 3);
	for (int i = 0; i < 100; i++) {
		/* One that is on its way back still keeps the session before. */
		for (int tries = 0; gate_call(DECOUPLE_GATE_ADD, 1, (uint64_t)getpid()) == -EBUSY && tries < 5000; tries++)
			moment();
		CHECK(gate_call(DECOUPLE_GATE_ADD, 1, (uint64_t)getpid()) == 0);
		CHECK(pthread_create(&vcpu, NULL, ends_at_once, NULL) == 0);
		if (i % 2)
			CHECK(pthread_join(vcpu, NULL) == 0);
		CHECK(gate_call(DECOUPLE_GATE_REMOVE, 1, 0) == 0);
		if (!(i % 2))
			CHECK(pthread_join(vcpu, NULL) == 0);
	}
	_exit(7);
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {{"refused", refused}, {"brought back", brought_back}, {"others", others}, {"ends", ends}};

int main(void)
{
	int bad = 0;

	if (access(DECOUPLE_DEVICE, F_OK)) {
		printf("no %s: the module is not loaded\n", DECOUPLE_DEVICE);
		return 4;
	}
	if (access(ONLINE, W_OK)) {
		printf("no %s: this kernel or machine can't take the core away\n", ONLINE);
		return 4;
	}
	setbuf(stdout, NULL);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int status = 0;
		pid_t child = fork();

		if (!child) {
			alarm(60);
			cases[i].run();
			_exit(99);
		}
		CHECK(waitpid(child, &status, 0) == child);
		if (status != 7 << 8) {
			printf("%s: wait status %x\n", cases[i].name, status);
			set_online("1");
			bad = 1;
		}
	}
	return bad;
}
