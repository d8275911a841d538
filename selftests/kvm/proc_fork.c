// SPDX-License-Identifier: GPL-2.0-only
/* fork and vfork: memory, signals, masks, thread-local storage and exit statuses; many in a row; forks of forks; wait variants. */
// modes: run compute read run+follow compute+follow
// timeout: 120
#include "testlib.h"

#include <sys/resource.h>
#include <sys/wait.h>

static __thread int local = 5;
static int word = 1;
static volatile sig_atomic_t children, alarms;

static void on_child(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	children++;
}

static void on_alarm(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	alarms++;
}

int main(void)
{
	sigset_t set;
	int status;

	test_start();
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	for (int i = 0; i < 20; i++) {
		pid_t child = fork();
		if (child == 0) {
			sigset_t mask, pending;
			sigprocmask(SIG_BLOCK, NULL, &mask);
			sigpending(&pending);
			bool right = local == 5 && word == 1 + i && sigismember(&mask, SIGUSR1) &&
				     !sigismember(&mask, SIGUSR2) && !sigismember(&pending, SIGUSR1) && getppid() != getpid();
			word = 99;
			local = 98;
			_exit(right ? 30 + i : 1);
		}
		CHECK(wait_child(child) == 30 + i);
		word++;
	}
	printf("fork: word %d local %d\n", word, local);

	/* Handlers and timers: the child has the handlers, but no timer of its parent. */
	handle(SIGALRM, on_alarm, SA_RESTART);
	handle(SIGCHLD, on_child, SA_RESTART);
	arm_timer(1000, 1000);
	pid_t child = fork();
	if (child == 0) {
		alarms = 0;
		busy_ms(30);
		bool none = alarms == 0;
		raise(SIGALRM);
		_exit(none && alarms == 1 ? 8 : 1);
	}
	status = wait_child(child);
	arm_timer(0, 0);
	printf("timers are not inherited, handlers are: %d\n", status);
	printf("SIGCHLD: %d\n", (int)children);

	/* vfork: the parent waits and shares memory. */
	for (int i = 0; i < 20; i++) {
		volatile int seen = 0;
		child = vfork();
		if (child == 0) {
			seen = 1;
			_exit(50);
		}
		CHECK(seen == 1);
		CHECK(wait_child(child) == 50);
	}
	printf("vfork: done\n");

	/* A child that computes decoupled or not while the parent does. */
	child = fork();
	double sum = 0;
	for (int i = 1; i < 2000000; i++)
		sum += 1.0 / i;
	if (child == 0)
		_exit(sum > 15.08 && sum < 15.09 ? 3 : 1);
	printf("both compute: %.6f, child %d\n", sum, wait_child(child));

	/* Forks of forks. */
	child = fork();
	if (child == 0) {
		pid_t inner = fork();
		if (inner == 0)
			_exit(4);
		_exit(wait_child(inner) + 10);
	}
	printf("nested: %d\n", wait_child(child));

	child = fork();
	if (child == 0) {
		while (clock_ns(CLOCK_PROCESS_CPUTIME_ID) < 30 * MS)
			;
		_exit(2);
	}
	struct rusage usage;
	printf("WNOHANG: %d\n", waitpid(child, &status, WNOHANG));
	printf("wait4: %d", wait4(child, &status, 0, &usage) == child);
	printf(" status %d, time counted %d\n", WEXITSTATUS(status), usage.ru_utime.tv_usec + usage.ru_stime.tv_usec >= 10000);
	printf("no children: %s\n", waitpid(-1, &status, 0) < 0 ? errno_name(errno) : "ok");
	return test_done();
}
