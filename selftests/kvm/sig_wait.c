// SPDX-License-Identifier: GPL-2.0-only
/* sigwaitinfo, sigtimedwait, sigwait, signalfd: signals taken synchronously, with their siginfo, no handler run. */
#include "testlib.h"

#include <poll.h>
#include <sys/signalfd.h>

static volatile sig_atomic_t handled;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	handled++;
}

int main(void)
{
	siginfo_t info;
	sigset_t set;
	int sig;

	test_start();
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 3);
	sigaddset(&set, SIGALRM);
	handle(SIGUSR1, handler, 0);
	handle(SIGUSR2, handler, 0);
	sigprocmask(SIG_BLOCK, &set, NULL);

	sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = 4711});
	memset(&info, 0, sizeof(info));
	sig = sigwaitinfo(&set, &info);
	printf("pending: RTMIN+3 %d code %d value %d\n", sig == SIGRTMIN + 3, info.si_code, info.si_value.sival_int);
	arm_timer(20000, 0);
	sig = sigwaitinfo(&set, &info);
	printf("timer: %d code %d\n", sig, info.si_code);
	uint64_t begin = now_ns();
	sig = sigtimedwait(&set, &info, &(struct timespec){0, 50 * MS});
	printf("nothing: %d %s in time %d\n", sig, errno_name(errno), between(now_ns() - begin, 50 * MS, 150 * MS));
	sig = sigtimedwait(&set, &info, &(struct timespec){0, 0});
	printf("poll: %d %s\n", sig, errno_name(errno));
	pid_t child = signal_later(getpid(), SIGUSR1, 30);
	CHECK(sigwait(&set, &sig) == 0);
	printf("sigwait: %d\n", sig);
	wait_child(child);
	child = signal_later(getpid(), SIGUSR2, 30);
	sig = sigwaitinfo(&set, &info);
	printf("another signal with a handler: %d %s, handled %d\n", sig, errno_name(errno), (int)handled);
	wait_child(child);

	int fd = MUST(signalfd(-1, &set, SFD_CLOEXEC));
	struct signalfd_siginfo taken[4];
	raise(SIGUSR1);
	sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = 1});
	sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = 2});
	ssize_t len = read(fd, taken, sizeof(taken));
	printf("signalfd: %zd\n", len / (ssize_t)sizeof(taken[0]));
	for (unsigned i = 0; i < len / sizeof(taken[0]); i++)
		printf("  signal %u code %d value %d\n", taken[i].ssi_signo, taken[i].ssi_code, taken[i].ssi_int);
	child = signal_later(getpid(), SIGUSR1, 30);
	struct pollfd wait = {fd, POLLIN, 0};
	int ready = poll(&wait, 1, 2000);
	len = read(fd, taken, sizeof(taken));
	printf("signalfd after poll: %d, signal %u from the child %d\n", ready, taken[0].ssi_signo,
	       taken[0].ssi_pid == (unsigned)child);
	wait_child(child);
	printf("handled %d\n", (int)handled);
	return test_done();
}
