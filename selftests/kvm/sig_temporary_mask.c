// SPDX-License-Identifier: GPL-2.0-only
/* sigsuspend, ppoll, pselect, epoll_pwait: one handler runs under the temporary mask, the old mask is back afterwards. */
#include "testlib.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

static sigset_t temporary;
static int epoll_fd;
static volatile sig_atomic_t calls[65];

static void handler(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	sigset_t now;

	(void)info;
	calls[sig]++;
	sigprocmask(SIG_BLOCK, NULL, &now);
	printf("  handler %d: blocked now USR1 %d USR2 %d HUP %d; after it USR1 %d USR2 %d HUP %d\n", sig,
	       sigismember(&now, SIGUSR1), sigismember(&now, SIGUSR2), sigismember(&now, SIGHUP),
	       sigismember(&uc->uc_sigmask, SIGUSR1), sigismember(&uc->uc_sigmask, SIGUSR2),
	       sigismember(&uc->uc_sigmask, SIGHUP));
}

static long do_sigsuspend(void)
{
	return sigsuspend(&temporary);
}
static long do_ppoll(void)
{
	return ppoll(NULL, 0, &(struct timespec){0, 80 * MS}, &temporary);
}
static long do_pselect(void)
{
	return pselect(0, NULL, NULL, NULL, &(struct timespec){0, 80 * MS}, &temporary);
}
static long do_epoll_pwait(void)
{
	return epoll_pwait(epoll_fd, &(struct epoll_event){0}, 1, 80, &temporary);
}

static const struct {
	const char *name;
	long (*call)(void);
} table[] = {{"sigsuspend", do_sigsuspend}, {"ppoll", do_ppoll}, {"pselect", do_pselect}, {"epoll_pwait", do_epoll_pwait}};

static void show(const char *name, long result)
{
	int error = result < 0 ? errno : 0;
	sigset_t now;

	sigprocmask(SIG_BLOCK, NULL, &now);
	printf("%s: %ld %s; USR1 %d, USR2 %d, HUP %d; blocked USR1 %d USR2 %d HUP %d\n", name, result, errno_name(error),
	       (int)calls[SIGUSR1], (int)calls[SIGUSR2], (int)calls[SIGHUP], sigismember(&now, SIGUSR1),
	       sigismember(&now, SIGUSR2), sigismember(&now, SIGHUP));
	memset((void *)calls, 0, sizeof(calls));
}

int main(void)
{
	sigset_t blocked;

	test_start();
	epoll_fd = MUST(epoll_create1(0));
	handle(SIGUSR1, handler, 0);
	handle(SIGUSR2, handler, SA_RESTART);
	handle(SIGHUP, handler, 0);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigaddset(&blocked, SIGUSR2);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	sigemptyset(&temporary);
	sigaddset(&temporary, SIGHUP);
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		raise(SIGUSR1); /* pending before the call */
		show(table[i].name, table[i].call());
		pid_t child = signal_later(getpid(), SIGUSR2, 30); /* arrives in the call */
		long result = table[i].call();
		int error = errno;
		wait_child(child);
		errno = error;
		show(table[i].name, result);
		raise(SIGUSR1);
		raise(SIGUSR2);
		show(table[i].name, table[i].call());
		sigprocmask(SIG_SETMASK, &temporary, NULL); /* lets through what is still pending */
		sigprocmask(SIG_SETMASK, &blocked, NULL);
		memset((void *)calls, 0, sizeof(calls));
		if (i == 0)
			continue;
		child = signal_later(getpid(), SIGHUP, 20); /* blocked during the call only: handled when it times out */
		result = table[i].call();
		error = errno;
		wait_child(child);
		errno = error;
		show(table[i].name, result);
	}
	return test_done();
}
