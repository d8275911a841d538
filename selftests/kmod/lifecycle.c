// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ends of captured threads and of their process, each in a child of its own: exit, execve, SIGKILL and a gate that is unmapped, with the
 * thread in the gate, about to be captured, or native. Nothing hangs, and nothing holds the module behind it (the rig unloads it).
 */
#define _GNU_SOURCE
#include "gate_client.h"

#include <dirent.h>
#include <linux/io_uring.h>
#include <linux/kvm.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

static volatile int tid, stop;
static volatile unsigned long rounds; /* of the thread outside the gate */

static void *spin(void *unused)
{
	(void)unused;
	tid = gettid();
	while (!stop)
		rounds++;
	return NULL;
}

#define FOR_EVER (1ull << 60)

/*
 * A session of a spinning thread that makes `calls` when it is captured: FOR_EVER, and it stays in the gate, else `wait` is until it has left
 * it again.
 */
static void captured(uint64_t calls, int wait)
{
	unsigned long before;

	pthread_t thread;

	gate_use_cores(gate_open(), 3); /* both of the VM */
	pthread_create(&thread, NULL, spin, NULL);
	while (!tid)
		sched_yield();
	gate_session(1, tid);
	gate_calls[1] = calls;
	CHECK(gate_call(DECOUPLE_GATE_CAPTURE, 1, 0) == 0);
	if (wait)
		CHECK(gate_captured(1, 0, 2000));
	before = rounds;
	while (wait && calls != FOR_EVER && rounds == before)
		sched_yield();
}

static void exit_in_gate(void)
{
	captured(FOR_EVER, 1);
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
	captured(FOR_EVER, 1);
	execl("/bin/sh", "sh", "-c", "exit 7", NULL);
}
static void be_killed(void)
{
	captured(FOR_EVER, 1);
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
/* As `forks`, where the child was made to have the mapping. */
static void forks_with_gate(void)
{
	int status;
	pid_t child;

	captured(1, 1);
	CHECK(madvise((void *)gate_address, DECOUPLE_GATE_SIZE, MADV_DOFORK) == 0);
	child = fork();
	if (!child)
		_exit(gate_call(DECOUPLE_GATE_CAPTURE, 1, 0) == -ENOSYS && gate_call(DECOUPLE_GATE_REMOVE, 1, 0) == -ENOSYS
			      ? 3
			      : 4);
	CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 3);
	CHECK(gate_call(DECOUPLE_GATE_CAPTURE, 1, 0) == 0);
	_exit(7);
}

/*
 * A process that shares the memory has a session, is a vCPU thread and the manager, and then executes another program, which might have more
 * rights: those who still have the memory can't disturb it.
 */
static volatile int other;

static int other_process(void *unused)
{
	(void)unused;
	CHECK(gate_call(DECOUPLE_GATE_VCPU, 1, 0) == 0);
	CHECK(gate_call(DECOUPLE_GATE_MANAGE, 0, 1000) == 0);
	other = gettid();
	while (other)
		sched_yield();
	execl("/proc/self/exe", "lifecycle", "undisturbed", NULL);
	return 9;
}

static int undisturbed(void)
{
	int epoll = epoll_create1(0), in_time = 0;

	for (int i = 0; i < 20; i++)
		in_time += epoll_wait(epoll, &(struct epoll_event){0}, 1, 50) == 0;
	return in_time == 20 ? 3 : 4;
}

static void another_program(void)
{
	char *stack = malloc(65536);
	int status = 0;
	pid_t child;

	captured(1, 1);
	child = clone(other_process, stack + 65536, CLONE_VM | SIGCHLD, NULL);
	while (!other)
		sched_yield();
	gate_session(2, other);
	other = 0;
	while (waitpid(child, &status, WNOHANG) == 0) {
		gate_frame(2)->in_call = 1;
		CHECK(gate_call(DECOUPLE_GATE_INTERRUPT, 2, 0) == 0);
		CHECK(gate_call(DECOUPLE_GATE_KICK, 1, 0) == 0);
		CHECK(gate_call(DECOUPLE_GATE_POKE, 0, 0) == 0);
		sched_yield();
	}
	CHECK(WIFEXITED(status));
	_exit(WEXITSTATUS(status) == 3 ? 7 : WEXITSTATUS(status));
}

/* A session ends while its thread executes the one instruction that it was to execute natively, a call that blocks: no trap is left over. */
static int ends[2];

static void *reader(void *unused)
{
	char byte;

	(void)unused;
	tid = gettid();
	while (!stop)
		CHECK(read(ends[0], &byte, 1) == 1);
	return NULL;
}

static void removed_in_step(void)
{
	pthread_t thread;

	CHECK(pipe(ends) == 0);
	gate_open();
	pthread_create(&thread, NULL, reader, NULL);
	while (!tid)
		sched_yield();
	gate_session(1, tid);
	gate_how[1] = DECOUPLE_RETURN_STEP;
	for (int i = 0; i < 20; i++)
		sched_yield();
	nanosleep(&(struct timespec){0, 100000000}, NULL);
	CHECK(gate_call(DECOUPLE_GATE_CAPTURE, 1, 0) == 0);
	CHECK(gate_captured(1, 0, 2000));
	nanosleep(&(struct timespec){0, 100000000}, NULL);
	CHECK(gate_call(DECOUPLE_GATE_REMOVE, 1, 0) == 0);
	stop = 1;
	CHECK(write(ends[1], "x", 1) == 1);
	CHECK(pthread_join(thread, NULL) == 0);
	_exit(7);
}

/* The one who asks is the thread that is meant. */
static void captures_itself(void)
{
	uint64_t before;

	gate_open();
	gate_session(1, gettid());
	for (int i = 0; i < 100; i++) {
		before = gate_frame(1)->captures;
		CHECK(gate_call(DECOUPLE_GATE_CAPTURE, 1, 0) == 0);
		CHECK(gate_frame(1)->captures == before + 1);
	}
	_exit(7);
}

/* A session has one vCPU thread at a time, and one doorbell. */
static void *become_vcpu(void *unused)
{
	(void)unused;
	return (void *)gate_call(DECOUPLE_GATE_VCPU, 1, 0);
}

static void another_vcpu(void)
{
	void *result;

	captured(1, 1);
	for (int i = 0; i < 20; i++) {
		int doorbell = eventfd(0, EFD_CLOEXEC);
		pthread_t vcpu;

		pthread_create(&vcpu, NULL, become_vcpu, NULL);
		pthread_join(vcpu, &result);
		CHECK(result == NULL);
		CHECK(gate_call(DECOUPLE_GATE_DOORBELL, 1, (uint64_t)doorbell) == 0);
		close(doorbell);
	}
	CHECK(gate_call(DECOUPLE_GATE_VCPU, 1, 0) == 0);
	CHECK(gate_call(DECOUPLE_GATE_VCPU, 1, 0) == -EBUSY);
	_exit(7);
}

/* Threads that the kernel made in this process, for io_uring and KVM, never come to user mode: no sessions for them. */
static void workers(void)
{
	struct io_uring_params params = {.flags = IORING_SETUP_SQPOLL, .sq_thread_idle = 10000};
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm = ioctl(kvm, KVM_CREATE_VM, 0), vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	struct dirent *entry;
	unsigned found = 0;
	DIR *tasks;

	CHECK(vcpu >= 0);
	ioctl(vcpu, KVM_RUN, 0); /* of no memory; some kernels make the worker here */
	CHECK(syscall(__NR_io_uring_setup, 4, &params) >= 0);
	gate_open();
	tasks = opendir("/proc/self/task");
	CHECK(tasks);
	while ((entry = readdir(tasks))) {
		int task = atoi(entry->d_name);

		if (task <= 0 || task == gettid())
			continue;
		CHECK(gate_call(DECOUPLE_GATE_ADD, 2, (uint64_t)task) == -ESRCH);
		found++;
	}
	CHECK(found);
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
	{"fork with MADV_DOFORK", forks_with_gate, 7 << 8},
	{"another program", another_program, 7 << 8},
	{"end in a step", removed_in_step, 7 << 8},
	{"capture of itself", captures_itself, 7 << 8},
	{"another vCPU thread", another_vcpu, 7 << 8},
	{"workers", workers, 7 << 8},
	{"garbage", garbage, 7 << 8},
};

int main(int argc, char **argv)
{
	int bad = 0;

	if (argc > 1 && !strcmp(argv[1], "undisturbed"))
		return undisturbed();
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
