// SPDX-License-Identifier: GPL-2.0-only
/*
 * The directory of a decoupled thread in sysfs: there from its vCPU thread's first call to the end of its session, however that ends, with
 * true contents, whoever reads meanwhile. And vCPU threads are where a controller was permitted to have them, or are none.
 */
#define _GNU_SOURCE
#include "gate_client.h"

#include <linux/sched.h>
#include <sched.h>
#include <sys/wait.h>

static volatile int tid, stop, caught;

static void *spin(void *unused)
{
	(void)unused;
	tid = gettid();
	while (!stop)
		;
	return NULL;
}

static void on_signal(int sig)
{
	(void)sig;
	caught++;
}

static int opened(int id, const char *file)
{
	char path[128];

	snprintf(path, sizeof(path), DECOUPLE_SYSFS "/%d/%s", id, file);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Without the end of the line; empty if there is none. */
static const char *contents(int id, const char *file)
{
	static char text[128];
	int fd = opened(id, file);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	close(fd);
	text[n > 0 ? n - 1 : 0] = 0;
	return text;
}

static int is(int id, const char *file, const char *expected)
{
	const char *text = contents(id, file);

	if (strcmp(text, expected) == 0)
		return 1;
	printf("%s is \"%s\" instead of \"%s\"\n", file, text, expected);
	return 0;
}

static int exists(int id)
{
	char path[64];

	snprintf(path, sizeof(path), DECOUPLE_SYSFS "/%d", id);
	return access(path, F_OK) == 0;
}

/* Where the calling thread may run, as a set. */
static void run_on(uint64_t cores)
{
	CHECK(syscall(SYS_sched_setaffinity, 0, sizeof(cores), &cores) == 0);
}

/* A thread that computes and a session of it, whose vCPU thread is the caller, on core 0. */
static pthread_t decoupled(void)
{
	pthread_t thread;
	int device = gate_open();

	tid = stop = 0;
	pthread_create(&thread, NULL, spin, NULL);
	while (!tid)
		sched_yield();
	gate_session(1, tid);
	CHECK(!exists(tid));
	run_on(1);
	gate_use_cores(device, 1);
	CHECK(gate_call(DECOUPLE_GATE_VCPU, 1, 0) == 0);
	CHECK(exists(tid));
	CHECK(gate_call(DECOUPLE_GATE_VCPU, 1, 0) == -EBUSY);
	close(device);
	return thread;
}

static void cores(void)
{
	int device = gate_open();

	gate_session(1, getpid());
	run_on(1);
	CHECK(gate_call(DECOUPLE_GATE_VCPU, 1, 0) == -EPERM);
	gate_use_cores(device, 2);
	CHECK(gate_call(DECOUPLE_GATE_VCPU, 1, 0) == -EPERM);
	run_on(3);
	CHECK(gate_call(DECOUPLE_GATE_VCPU, 1, 0) == -EPERM);
	CHECK(!exists(getpid()));
	run_on(2);
	CHECK(gate_call(DECOUPLE_GATE_VCPU, 1, 0) == 0);
	CHECK(is(getpid(), "core", "1"));
	gate_use_cores(device, 1); /* added to it */
	CHECK(gate_call(DECOUPLE_GATE_REMOVE, 1, 0) == 0);
	CHECK(!exists(getpid()));
	run_on(3);
	gate_session(2, getpid());
	CHECK(gate_call(DECOUPLE_GATE_VCPU, 2, 0) == 0);
	CHECK(is(getpid(), "core", "0-1")); /* what is so, not what was asked for */
	run_on(1);
	CHECK(is(getpid(), "core", "0"));
	_exit(7);
}

static void counts(void)
{
	char number[32];

	signal(SIGUSR1, on_signal);
	decoupled();
	CHECK(is(tid, "state", "native") && is(tid, "core", "0"));
	CHECK(is(tid, "captures", "0") && is(tid, "signals", "0") && is(tid, "sleeps", "0") && is(tid, "interruptions", "0"));
	CHECK(is(tid, "returns", "0"));
	for (int i = 1; i <= 5; i++) {
		CHECK(gate_call(DECOUPLE_GATE_CAPTURE, 1, 0) == 0);
		CHECK(gate_captured(1, (uint64_t)i - 1, 2000));
		snprintf(number, sizeof(number), "%d", i);
		CHECK(is(tid, "captures", number));
		/* A capture of one who is in the gate still would be none. */
		for (int tries = 0; tries < 20000 && strcmp(contents(tid, "state"), "native"); tries++)
			nanosleep(&(struct timespec){0, 100000}, NULL);
	}
	/* The process can write its frame, and not what it says here. */
	gate_frame(1)->captures = 1000000;
	CHECK(is(tid, "captures", "5"));
	gate_calls[1] = 1ull << 60;
	CHECK(gate_call(DECOUPLE_GATE_CAPTURE, 1, 0) == 0);
	CHECK(gate_captured(1, 1000000, 2000));
	CHECK(is(tid, "state", "decoupled") && is(tid, "captures", "6"));
	_exit(7);
}

/* Signals that are delivered while the module has its hands on the thread: captured again at the handler. */
static void signals(void)
{
	signal(SIGUSR1, on_signal);
	decoupled();
	for (int i = 1; i <= 3; i++) {
		uint64_t before = gate_frame(1)->captures;
		char number[32];

		gate_how[1] = DECOUPLE_RETURN_CAPTURE; /* again and again, also at the handler */
		CHECK(gate_call(DECOUPLE_GATE_CAPTURE, 1, 0) == 0);
		CHECK(gate_captured(1, before, 2000));
		CHECK(syscall(SYS_tgkill, getpid(), tid, SIGUSR1) == 0);
		for (int tries = 0; tries < 20000 && atoi(contents(tid, "signals")) < i; tries++)
			nanosleep(&(struct timespec){0, 100000}, NULL);
		snprintf(number, sizeof(number), "%d", i);
		CHECK(is(tid, "signals", number));
		CHECK(caught == i - 1);
		gate_how[1] = DECOUPLE_RETURN_STAY;
		for (int tries = 0; tries < 20000 && caught < i; tries++)
			nanosleep(&(struct timespec){0, 100000}, NULL);
		CHECK(caught == i);
	}
	CHECK(is(tid, "signals", "3") && is(tid, "state", "native"));
	_exit(7);
}

static void removed(void)
{
	char byte;
	int state;

	decoupled();
	state = opened(tid, "state");
	CHECK(state >= 0 && gate_call(DECOUPLE_GATE_REMOVE, 1, 0) == 0);
	CHECK(!exists(tid));
	CHECK(read(state, &byte, 1) == -1 && errno == ENODEV);
	_exit(7);
}

/* By its own thread, on its way out. */
static void leaves(void)
{
	decoupled();
	gate_how[1] = DECOUPLE_RETURN_LEAVE;
	CHECK(gate_call(DECOUPLE_GATE_CAPTURE, 1, 0) == 0);
	for (int i = 0; i < 20000 && exists(tid); i++)
		nanosleep(&(struct timespec){0, 100000}, NULL);
	CHECK(!exists(tid));
	_exit(7);
}

static void unmapped(void)
{
	decoupled();
	CHECK(munmap((void *)gate_address, DECOUPLE_GATE_SIZE) == 0);
	CHECK(!exists(tid));
	_exit(7);
}

static void executes(void)
{
	char script[128];

	decoupled();
	snprintf(script, sizeof(script), "test ! -e " DECOUPLE_SYSFS "/%d && exit 7", tid);
	execl("/bin/sh", "sh", "-c", script, NULL);
}

/*
 * The thread exits, its session stays; then its number is another process's, which becomes decoupled in turn: the directory is his, and stays
 * when the first session ends.
 */
static void same_number(void)
{
	struct clone_args args = {.set_tid = (uint64_t) & (pid_t){0}, .set_tid_size = 1, .exit_signal = SIGCHLD};
	pthread_t thread = decoupled();
	int status, id = tid, go[2], done[2];
	pid_t child = -1;
	char byte = 0;

	stop = 1;
	pthread_join(thread, NULL);
	while (!syscall(SYS_tgkill, getpid(), id, 0))
		sched_yield();
	CHECK(is(id, "state", "gone"));
	CHECK(pipe(go) == 0 && pipe(done) == 0);
	*(pid_t *)args.set_tid = id;
	for (int i = 0; i < 1000 && child < 0; i++) { /* EEXIST: the number is still in use */
		child = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
		if (child < 0)
			nanosleep(&(struct timespec){0, 1000000}, NULL);
	}
	CHECK(child >= 0);
	if (child == 0) {
		struct decouple_cores one = {.cores = {1}};
		int device = gate_open();

		CHECK(ioctl(device, DECOUPLE_USE_CORES, &one) == 0);
		gate_session(3, id);
		CHECK(gate_call(DECOUPLE_GATE_VCPU, 3, 0) == 0);
		CHECK(is(id, "state", "native"));
		CHECK(write(done[1], &byte, 1) == 1 && read(go[0], &byte, 1) == 1);
		CHECK(is(id, "state", "native"));
		_exit(7);
	}
	CHECK(child == id && read(done[0], &byte, 1) == 1);
	CHECK(gate_call(DECOUPLE_GATE_REMOVE, 1, 0) == 0);
	CHECK(exists(id));
	CHECK(write(go[1], &byte, 1) == 1);
	CHECK(waitpid(child, &status, 0) == child && status == 7 << 8);
	CHECK(!exists(id));
	_exit(7);
}

/* Readers at the time of each end; the rig unloads the module behind them. */
static void raced(void)
{
	pid_t readers[2];
	int device = gate_open(), own = getpid();

	gate_use_cores(device, 3);
	run_on(3);
	for (int i = 0; i < 2; i++) {
		readers[i] = fork();
		if (readers[i])
			continue;
		for (;;) {
			contents(own, "state");
			contents(own, "core");
			contents(own, "captures");
		}
	}
	for (int i = 0; i < 300; i++) {
		gate_session(1, own);
		CHECK(gate_call(DECOUPLE_GATE_VCPU, 1, 0) == 0);
		CHECK(exists(own));
		CHECK(gate_call(DECOUPLE_GATE_REMOVE, 1, 0) == 0);
		CHECK(!exists(own));
	}
	for (int i = 0; i < 2; i++)
		CHECK(kill(readers[i], SIGKILL) == 0 && waitpid(readers[i], NULL, 0) == readers[i]);
	_exit(7);
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{"cores", cores},       {"counts", counts},     {"signals", signals}, {"removed", removed},         {"leaves", leaves},
	{"unmapped", unmapped}, {"executes", executes}, {"raced", raced},     {"same number", same_number},
};

int main(void)
{
	int bad = 0;

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
			bad = 1;
		}
	}
	return bad;
}
