// SPDX-License-Identifier: GPL-2.0-only
/* A thread that is blocked in a system call is captured at once, and the call then ends as if nothing had happened: no EINTR. */
#define _GNU_SOURCE
#include "gate_client.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <linux/futex.h>

#define CAPTURES 5

static int pipe_fds[2], epoll_fd;
static uint32_t word;
static const struct timespec half_second = {0, 500000000};

static long do_read(void)
{
	char byte;

	return read(pipe_fds[0], &byte, 1);
}
static long do_poll(void)
{
	return poll(&(struct pollfd){pipe_fds[0], POLLIN, 0}, 1, -1);
}
static long do_ppoll(void)
{
	return ppoll(&(struct pollfd){pipe_fds[0], POLLIN, 0}, 1, NULL, NULL);
}
static long do_select(void)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(pipe_fds[0], &set);
	return select(pipe_fds[0] + 1, &set, NULL, NULL, NULL);
}
static long do_epoll_wait(void)
{
	return epoll_wait(epoll_fd, &(struct epoll_event){0}, 1, -1);
}
static long do_futex(void)
{
	return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}
static long do_sigtimedwait(void)
{
	sigset_t set;

	sigemptyset(&set);
	return sigtimedwait(&set, NULL, &half_second) < 0 && errno == EAGAIN;
}
static long do_nanosleep(void)
{
	return nanosleep(&half_second, NULL) == 0;
}

/* What wakes the call: a byte in the pipe, the futex, or time. */
static const struct {
	const char *name;
	long (*call)(void);
	enum { BY_PIPE, BY_FUTEX, BY_TIME } by;
} calls[] = {
	{"read", do_read, BY_PIPE},
	{"poll", do_poll, BY_PIPE},
	{"ppoll", do_ppoll, BY_PIPE},
	{"select", do_select, BY_PIPE},
	{"epoll_wait", do_epoll_wait, BY_PIPE},
	{"futex", do_futex, BY_FUTEX},
	{"sigtimedwait", do_sigtimedwait, BY_TIME},
	{"nanosleep", do_nanosleep, BY_TIME},
};

static volatile int tid;
static volatile unsigned current = ~0u, done = ~0u;
static volatile long result, error;

static void *worker(void *unused)
{
	(void)unused;
	tid = gettid();
	for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		while (current != i)
			sched_yield();
		result = calls[i].call();
		error = errno;
		done = i;
	}
	return NULL;
}

static void wake(unsigned i)
{
	char byte = 'x';

	if (calls[i].by == BY_PIPE)
		CHECK(write(pipe_fds[1], &byte, 1) == 1);
	if (calls[i].by == BY_FUTEX) {
		__atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
		syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	}
}

int main(void)
{
	pthread_t thread;
	int bad = 0;

	gate_open();
	CHECK(pipe(pipe_fds) == 0);
	epoll_fd = epoll_create1(0);
	CHECK(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, pipe_fds[0], &(struct epoll_event){.events = EPOLLIN}) == 0);
	pthread_create(&thread, NULL, worker, NULL);
	while (!tid)
		sched_yield();
	gate_session(1, tid);
	for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		char byte;

		current = i;
		nanosleep(&(struct timespec){0, 50000000}, NULL);
		for (int n = 0; n < CAPTURES; n++) {
			uint64_t before = gate_frame(1)->captures;

			do
				CHECK(gate_call(DECOUPLE_GATE_CAPTURE, 1, 0) == 0);
			while (!gate_captured(1, before, 20));
		}
		wake(i);
		for (int ms = 0; done != i && ms < 5000; ms++)
			nanosleep(&(struct timespec){0, 1000000}, NULL);
		if (done != i || (calls[i].by == BY_FUTEX ? result != 0 && error != EAGAIN : result != 1)) {
			printf("%s: %s, result %ld, errno %s\n", calls[i].name, done == i ? "ended" : "hangs", result,
			       strerrorname_np((int)error));
			bad = 1;
			if (done != i)
				return 1;
		}
		/* What poll and its kin left in the pipe. */
		if (calls[i].by == BY_PIPE && calls[i].call != do_read)
			CHECK(read(pipe_fds[0], &byte, 1) == 1);
	}
	pthread_join(thread, NULL);
	return bad;
}
