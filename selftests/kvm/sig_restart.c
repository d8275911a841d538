// SPDX-License-Identifier: GPL-2.0-only
/* Calls interrupted by a handler with SA_RESTART go on or fail with EINTR exactly as the kernel decides for each of them. */
// timeout: 120
#include "testlib.h"

#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/socket.h>

static volatile sig_atomic_t calls;
static int pipe_fds[2], epoll_fd, pair[2];
static pid_t writer;
static const unsigned later_ms = 200;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	calls++;
}

/* Right before the call, so that it has begun by then on a slow machine too: a fork takes long there. */
static void interrupt_soon(void)
{
	arm_timer(40000, 0);
}

/* A process that writes one byte later, when the signal has been handled. */
static void write_later(int fd)
{
	writer = MUST(fork());
	if (writer)
		return;
	sleep_ms(later_ms);
	_exit(write(fd, "x", 1) == 1 ? 0 : 1);
}

static long do_read(void)
{
	char byte;
	write_later(pipe_fds[1]);
	interrupt_soon();
	return read(pipe_fds[0], &byte, 1);
}

static long do_recv(void)
{
	char byte;
	write_later(pair[1]);
	interrupt_soon();
	return recv(pair[0], &byte, 1, 0);
}

static long do_recv_timeout(void)
{
	struct timeval limit = {0, 120000};
	char byte;
	MUST(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
	interrupt_soon();
	long result = recv(pair[0], &byte, 1, 0);
	MUST(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){0, 0}, sizeof(limit)));
	return result;
}

static long do_poll(void)
{
	interrupt_soon();
	return poll(&(struct pollfd){pipe_fds[0], POLLIN, 0}, 1, 120);
}
static long do_ppoll(void)
{
	interrupt_soon();
	return ppoll(&(struct pollfd){pipe_fds[0], POLLIN, 0}, 1, &(struct timespec){0, 120 * MS}, NULL);
}

static long do_select(void)
{
	fd_set set;
	FD_ZERO(&set);
	FD_SET(pipe_fds[0], &set);
	interrupt_soon();
	return select(pipe_fds[0] + 1, &set, NULL, NULL, &(struct timeval){0, 120000});
}

static long do_epoll(void)
{
	interrupt_soon();
	return epoll_wait(epoll_fd, &(struct epoll_event){0}, 1, 120);
}

static long do_futex(void)
{
	static uint32_t word;
	interrupt_soon();
	return syscall(SYS_futex, &word, FUTEX_WAIT, 0, &(struct timespec){0, 120 * MS}, NULL, 0);
}

static long do_futex_wake(void)
{
	uint32_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	writer = MUST(fork());
	if (!writer) {
		sleep_ms(later_ms);
		_exit(syscall(SYS_futex, shared, FUTEX_WAKE, 1, NULL, NULL, 0) != 1);
	}
	interrupt_soon();
	long result = syscall(SYS_futex, shared, FUTEX_WAIT, 0, NULL, NULL, 0);
	munmap(shared, 4096);
	return result;
}

static long do_wait(void)
{
	pid_t child = MUST(fork());
	int status;
	if (!child) {
		sleep_ms(later_ms);
		_exit(42);
	}
	interrupt_soon();
	long result = waitpid(child, &status, 0);
	if (result < 0) {
		int error = errno;
		wait_child(child);
		errno = error;
		return -1;
	}
	return WEXITSTATUS(status);
}

static long do_nanosleep(void)
{
	interrupt_soon();
	return nanosleep(&(struct timespec){0, 120 * MS}, NULL);
}
static long do_nanosleep_until(void)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	interrupt_soon();
	int error = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	errno = error;
	return error ? -1 : 0;
}

static long do_msgrcv(void)
{
	struct {
		long type;
		char text[8];
	} message;
	int queue = MUST(msgget(IPC_PRIVATE, 0600));

	interrupt_soon();
	long result = msgrcv(queue, &message, sizeof(message.text), 0, 0);
	int error = errno;
	msgctl(queue, IPC_RMID, NULL);
	errno = error;
	return result;
}

static long do_pause(void)
{
	interrupt_soon();
	return pause();
}

static long do_sigtimedwait(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	interrupt_soon();
	return sigtimedwait(&set, NULL, &(struct timespec){0, 120 * MS});
}

static const struct {
	const char *name;
	long (*call)(void);
} calls_table[] = {
	{"read", do_read},        {"recv", do_recv},           {"recv with timeout", do_recv_timeout},
	{"poll", do_poll},        {"ppoll", do_ppoll},         {"select", do_select},
	{"epoll_wait", do_epoll}, {"futex", do_futex},         {"futex without timeout", do_futex_wake},
	{"waitpid", do_wait},     {"nanosleep", do_nanosleep}, {"clock_nanosleep until", do_nanosleep_until},
	{"msgrcv", do_msgrcv},    {"pause", do_pause},         {"sigtimedwait", do_sigtimedwait},
};

int main(void)
{
	test_start();
	MUST(pipe(pipe_fds));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	epoll_fd = MUST(epoll_create1(0));
	MUST(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, pipe_fds[0], &(struct epoll_event){.events = EPOLLIN}));
	for (int restart = 0; restart < 2; restart++) {
		handle(SIGALRM, handler, restart ? SA_RESTART : 0);
		for (unsigned i = 0; i < ARRAY_SIZE(calls_table); i++) {
			calls = 0;
			writer = 0;
			errno = 0;
			long result = calls_table[i].call();
			int error = result < 0 ? errno : 0;
			printf("%s %s: %ld %s, handlers %d\n", restart ? "SA_RESTART" : "plain", calls_table[i].name, result,
			       errno_name(error), (int)calls);
			if (writer)
				wait_child(writer);
			char drain[8]; /* what a failed call left behind */
			fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK);
			while (read(pipe_fds[0], drain, sizeof(drain)) > 0)
				;
			fcntl(pipe_fds[0], F_SETFL, 0);
			while (recv(pair[0], drain, sizeof(drain), MSG_DONTWAIT) > 0)
				;
		}
	}
	return test_done();
}
