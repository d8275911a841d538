// SPDX-License-Identifier: GPL-2.0-only
/* A thread that is attached while it waits in a system call: the call goes on, no EINTR, and ends with its result in its time. */
// modes: call
// args: nanosleep
// args: clock_nanosleep
// args: poll
// args: futex
// args: select
// args: read
// args: wait4
// args: epoll_wait
// args: sigtimedwait
// args: pause
// args: accept
// args: msgrcv
// args: futex-wake
// args: ppoll
// args: recv-timeout
// args: semop
// args: flock
// timeout: 30
#include "testlib.h"

#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/un.h>

static long wait_ms = 700; /* under emulation an attach alone takes that long */

static int pipe_fds[2], pair[2], queue, listener, semaphore, lock_fd;
static uint32_t *shared;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static volatile sig_atomic_t signals;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	signals++;
}

/* What ends those calls that have no timeout of their own. */
static void other_side(const char *kind)
{
	sleep_ms(wait_ms);
	if (!strcmp(kind, "read")) {
		CHECK(write(pipe_fds[1], "x", 1) == 1);
	} else if (!strcmp(kind, "pause")) {
		kill(getppid(), SIGUSR1);
	} else if (!strcmp(kind, "accept")) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		connect(fd, (struct sockaddr *)&address, sizeof(sa_family_t) + 20);
	} else if (!strcmp(kind, "msgrcv")) {
		struct {
			long type;
			char text[8];
		} message = {1, "hello"};
		msgsnd(queue, &message, 8, 0);
	} else if (!strcmp(kind, "futex-wake")) {
		syscall(SYS_futex, shared, FUTEX_WAKE, 1, NULL, NULL, 0);
	} else if (!strcmp(kind, "flock")) {
		flock(lock_fd, LOCK_UN);
	}
	_exit(33);
}

static long call(const char *kind, pid_t child)
{
	struct timespec limit = {wait_ms / 1000, wait_ms % 1000 * MS};
	struct timeval limit_us = {wait_ms / 1000, wait_ms % 1000 * 1000};
	char buffer[64];
	sigset_t set;
	int status;

	if (!strcmp(kind, "nanosleep"))
		return nanosleep(&limit, NULL);
	if (!strcmp(kind, "clock_nanosleep"))
		return clock_nanosleep(CLOCK_MONOTONIC, 0, &limit, NULL);
	if (!strcmp(kind, "poll"))
		return poll(&(struct pollfd){pipe_fds[0], POLLIN, 0}, 1, wait_ms);
	if (!strcmp(kind, "ppoll"))
		return ppoll(&(struct pollfd){pipe_fds[0], POLLIN, 0}, 1, &limit, NULL);
	if (!strcmp(kind, "futex"))
		return syscall(SYS_futex, shared, FUTEX_WAIT, 0, &limit, NULL, 0);
	if (!strcmp(kind, "futex-wake"))
		return syscall(SYS_futex, shared, FUTEX_WAIT, 0, NULL, NULL, 0);
	if (!strcmp(kind, "select")) {
		fd_set fds;
		FD_ZERO(&fds);
		FD_SET(pipe_fds[0], &fds);
		return select(pipe_fds[0] + 1, &fds, NULL, NULL, &limit_us);
	}
	if (!strcmp(kind, "read"))
		return read(pipe_fds[0], buffer, 1);
	if (!strcmp(kind, "wait4"))
		return wait4(child, &status, 0, NULL) == child ? WEXITSTATUS(status) : -1;
	if (!strcmp(kind, "epoll_wait")) {
		int fd = epoll_create1(0);
		return epoll_wait(fd, &(struct epoll_event){0}, 1, wait_ms);
	}
	if (!strcmp(kind, "sigtimedwait")) {
		sigemptyset(&set);
		sigaddset(&set, SIGUSR2);
		return sigtimedwait(&set, NULL, &limit);
	}
	if (!strcmp(kind, "pause"))
		return pause();
	if (!strcmp(kind, "accept"))
		return accept(listener, NULL, NULL) >= 0 ? 0 : -1;
	if (!strcmp(kind, "msgrcv"))
		return msgrcv(queue, buffer, 8, 0, 0);
	if (!strcmp(kind, "recv-timeout")) {
		MUST(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit_us, sizeof(limit_us)));
		return recv(pair[0], buffer, 1, 0);
	}
	if (!strcmp(kind, "semop"))
		return semtimedop(semaphore, &(struct sembuf){0, -1, 0}, 1, &limit);
	if (!strcmp(kind, "flock"))
		return flock(pair[1], LOCK_EX);
	return -2;
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "";
	char path[] = "/tmp/decouple-test-XXXXXX";

	MUST(pipe(pipe_fds));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	queue = msgget(IPC_PRIVATE, 0600);
	semaphore = semget(IPC_PRIVATE, 1, 0600);
	snprintf(address.sun_path + 1, 20, "decouple-test-%d", getpid());
	listener = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	MUST(bind(listener, (struct sockaddr *)&address, sizeof(sa_family_t) + 20));
	MUST(listen(listener, 1));
	lock_fd = MUST(mkstemp(path));
	MUST(flock(lock_fd, LOCK_EX));
	if (!strcmp(kind, "flock"))
		pair[1] = MUST(open(path, O_RDWR));
	unlink(path);
	handle(SIGUSR1, handler, 0);

	if (getenv("DECOUPLE_RIG"))
		wait_ms = 3500;
	pid_t child = MUST(fork());
	if (child == 0)
		other_side(kind);
	uint64_t begin = now_ns();
	test_start();
	errno = 0;
	long result = call(kind, child);
	int error = result < 0 ? errno : 0;
	uint64_t took = now_ns() - begin;
	/* Some calls give the kernel no place for the time that is left: an attach lets them wait anew. */
	bool anew = !strcmp(kind, "epoll_wait") || !strcmp(kind, "sigtimedwait") || !strcmp(kind, "recv-timeout") ||
		    !strcmp(kind, "semop");
	printf("%s: %ld %s, signals %d, in time %d\n", kind, result, errno_name(error), (int)signals,
	       between(took, (wait_ms - 10) * MS, (wait_ms * (anew ? 2 : 1) + wait_ms * 5 / 7) * MS));
	wait_child(child);
	msgctl(queue, IPC_RMID, NULL);
	semctl(semaphore, 0, IPC_RMID);
	return test_done();
}
