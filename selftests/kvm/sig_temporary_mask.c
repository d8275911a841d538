// SPDX-License-Identifier: GPL-2.0-only
/*
 * sigsuspend, ppoll, pselect, epoll_pwait: one handler runs under the temporary mask, the old mask is back afterwards. Signal 64, which
 * the C library does not let through, is in one of the masks at a time, and SIGKILL in the temporary one, where it has no effect.
 */
#include "testlib.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

#define BIT(sig) (1ul << ((sig)-1))

static sigset_t temporary;
static int epoll_fd;
static volatile sig_atomic_t calls[65];

/* The kernel's own words: the C library hides signals from its sets. */
static unsigned long word(const sigset_t *set)
{
	return *(const unsigned long *)set;
}

static unsigned long mask_now(void)
{
	unsigned long now = 0;

	syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &now, 8);
	return now;
}

static unsigned long pending_now(void)
{
	unsigned long now = 0;

	syscall(SYS_rt_sigpending, &now, 8);
	return now;
}

static void set_mask(unsigned long mask)
{
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8);
}

static void handler(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)info;
	calls[sig]++;
	printf("  handler %d: blocked now %lx; after it %lx; pending %lx\n", sig, mask_now(), word(&uc->uc_sigmask),
	       pending_now());
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

	printf("%s: %ld %s; USR1 %d, USR2 %d, HUP %d; blocked %lx\n", name, result, errno_name(error), (int)calls[SIGUSR1],
	       (int)calls[SIGUSR2], (int)calls[SIGHUP], mask_now());
	memset((void *)calls, 0, sizeof(calls));
}

static void one(long (*call)(void), const char *name, unsigned long blocked, unsigned long during)
{
	memcpy(&temporary, &during, sizeof(during));
	set_mask(blocked);
	raise(SIGUSR1); /* pending before the call */
	show(name, call());
	pid_t child = signal_later(getpid(), SIGUSR2, 30); /* arrives in the call */
	long result = call();
	int error = errno;
	wait_child(child);
	errno = error;
	show(name, result);
	raise(SIGUSR1);
	raise(SIGUSR2);
	show(name, call());
	set_mask(during); /* lets through what is still pending */
	set_mask(blocked);
	memset((void *)calls, 0, sizeof(calls));
	if (call == do_sigsuspend)
		return;
	child = signal_later(getpid(), SIGHUP, 20); /* blocked during the call only: handled when it times out */
	result = call();
	error = errno;
	wait_child(child);
	errno = error;
	show(name, result);
}

/* A signal queued several times, for the thread and for the process, whose handler does not block it: each frame's mask is its own. */
static void stacked(void)
{
	int sig = SIGRTMIN + 1;

	memset(&temporary, 0, sizeof(temporary));
	handle(sig, handler, SA_NODEFER);
	set_mask(BIT(sig) | BIT(SIGHUP));
	for (int i = 0; i < 3; i++) {
		MUST(sigqueue(getpid(), sig, (union sigval){.sival_int = i}));
		raise(sig);
	}
	show("stacked", do_ppoll());
	printf("pending %lx\n", pending_now());
}

/* An ignored signal that comes behind one whose handler blocks it stays, and goes when it comes first. */
static void behind(int handled, int ignored)
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

	memset(&temporary, 0, sizeof(temporary));
	sigaddset(&action.sa_mask, ignored);
	MUST(sigaction(handled, &action, NULL));
	set_mask(BIT(handled) | BIT(ignored));
	signal(ignored, SIG_IGN);
	raise(ignored);
	raise(handled);
	show("behind", do_ppoll());
	printf("%d handled, %d ignored: pending %lx\n", handled, ignored, pending_now());
	set_mask(0);
	printf("pending %lx\n", pending_now());
	set_mask(BIT(handled) | BIT(ignored));
	raise(ignored);
	kill(getpid(), ignored);
	raise(handled);
	set_mask(0);
	printf("unblocked: pending %lx\n", pending_now());
}

int main(void)
{
	unsigned long ours = BIT(SIGUSR1) | BIT(SIGUSR2);

	test_start();
	epoll_fd = MUST(epoll_create1(0));
	stacked();
	behind(SIGUSR1, SIGURG);
	behind(SIGURG, SIGUSR1);
	handle(SIGUSR1, handler, 0);
	handle(SIGUSR2, handler, SA_RESTART);
	handle(SIGHUP, handler, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		one(table[i].call, table[i].name, ours | BIT(64), BIT(SIGHUP));
		one(table[i].call, table[i].name, ours, BIT(SIGHUP) | BIT(SIGKILL) | BIT(64));
	}
	return test_done();
}
