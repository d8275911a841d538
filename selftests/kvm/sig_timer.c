// SPDX-License-Identifier: GPL-2.0-only
/* timer_create: signals to the process, to one thread, with values; overrun counts; CPU-time timers. */
#include "testlib.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static volatile sig_atomic_t calls, wrong;
static int expected_tid;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	calls += 1 + info->si_overrun; /* on a busy machine several ticks make one signal */
	if (info->si_code != SI_TIMER || info->si_value.sival_int != 99 ||
	    (expected_tid && syscall(SYS_gettid) != expected_tid))
		wrong++;
}

/* For 200 ms of that clock: on a busy machine CPU time passes more slowly than the time of day. */
static void busy_on(clockid_t clock)
{
	struct timespec begin, now;

	MUST(clock_gettime(clock, &begin));
	do {
		MUST(clock_gettime(clock, &now));
	} while ((now.tv_sec - begin.tv_sec) * 1000 * MS + now.tv_nsec - begin.tv_nsec < 200 * MS);
}

static void run(const char *what, clockid_t clock, int notify, int tid, unsigned sleep)
{
	struct sigevent event = {.sigev_notify = notify, .sigev_signo = SIGRTMIN + 1, .sigev_value.sival_int = 99};
	struct itimerspec value = {{0, 5 * MS}, {0, 5 * MS}};
	timer_t timer;

	event.sigev_notify_thread_id = tid;
	expected_tid = tid;
	calls = wrong = 0;
	MUST(timer_create(clock, &event, &timer));
	MUST(timer_settime(timer, 0, &value, NULL));
	if (sleep)
		sleep_ms(200);
	else
		busy_on(clock);
	value = (struct itimerspec){{0, 0}, {0, 0}};
	MUST(timer_settime(timer, 0, &value, NULL));
	MUST(timer_delete(timer));
	fprintf(stderr, "%s: %d\n", what, (int)calls);
	printf("%s: enough %d wrong %d\n", what, calls >= 12, (int)wrong);
}

int main(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1, .sigev_value.sival_int = 99};
	sigset_t set;
	timer_t timer;

	test_start();
	handle(SIGRTMIN + 1, handler, SA_RESTART);
	run("process, computing", CLOCK_MONOTONIC, SIGEV_SIGNAL, 0, 0);
	run("thread, computing", CLOCK_MONOTONIC, SIGEV_THREAD_ID, gettid(), 0);
	run("thread, sleeping", CLOCK_MONOTONIC, SIGEV_THREAD_ID, gettid(), 1);
	run("cpu time of the process", CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, 0, 0);

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	calls = wrong = 0;
	expected_tid = 0;
	MUST(timer_create(CLOCK_MONOTONIC, &event, &timer));
	MUST(timer_settime(timer, 0, &(struct itimerspec){{0, MS}, {0, MS}}, NULL));
	busy_ms(50);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	int overrun = timer_getoverrun(timer);
	timer_delete(timer);
	fprintf(stderr, "overrun %d\n", overrun);
	printf("blocked for 50 ticks: at least one call %d, wrong %d\n", calls >= 1, (int)wrong);
	return test_done();
}
