// SPDX-License-Identifier: GPL-2.0-only
/*
 * Computes under a storm of signals and accounts for every one of them.
 *
 * usage: stress_signals [-s SECONDS] [-r SIGNALS_PER_SECOND]
 * A child process queues real-time signals of six numbers, each number with its own running count as the value, in bursts. An
 * interval timer sends SIGALRM at 1 kHz, a POSIX timer a seventh real-time signal at 500 Hz, and the main thread sends itself an
 * eighth. Checked: each queued signal is handled exactly once and in the order of its number; si_code, si_pid, si_uid and
 * the value are true; a handled burst takes the lowest number first; overruns + expiries of the POSIX timer add up; signals sent to
 * itself are handled before the call returns; nested handlers return; and what is computed, slept and piped meanwhile is right.
 * Prints `queued=N alarms=N ticks=N own=N blocks=N bad=N`; exit status 1 if bad is not 0.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define QUEUED 6
#define TICK_NS 2000000
/*
 * Signals on their way. Their number is limited for all processes of a user together, so a stuck receiver must not take them all; and a
 * receiver that is slower than the storm must get on now and then: the sender waits for it and then rests.
 */
#define MAX_UNDERWAY 64
#define REST_NS 2000000

enum { SIG_TICK = QUEUED, SIG_OWN };

/* `sent` is final once `over` is set. */
struct shared {
	volatile uint64_t sent[QUEUED]; /* written by the sender */
	volatile uint64_t got[QUEUED]; /* written by the receiver */
	volatile int over, stop;
};

static struct shared *shared;
static pid_t sender;
static volatile uint64_t alarms, ticks, overruns, own, bad;
static volatile int depth;
static double last_tick;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void complain(const char *what, long a, long b)
{
	char line[128];

	if (++bad > 20)
		return;
	/* snprintf of integers only: safe enough inside a handler that interrupted no other stdio. */
	if (write(1, line, (size_t)snprintf(line, sizeof(line), "BAD %s: %ld, expected %ld\n", what, a, b)) < 0)
		_exit(1);
}

static void on_queued(int sig, siginfo_t *info, void *context)
{
	int n = sig - SIGRTMIN;

	(void)context;
	if (info->si_signo != sig || info->si_code != SI_QUEUE || info->si_pid != sender || info->si_uid != getuid())
		complain("siginfo of a queued signal, code", info->si_code, SI_QUEUE);
	if ((uint64_t)(uintptr_t)info->si_value.sival_ptr != shared->got[n])
		complain("order within one signal number", (long)(uintptr_t)info->si_value.sival_ptr, (long)shared->got[n]);
	shared->got[n]++;
}

static void on_alarm(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (info->si_signo != sig || info->si_code != SI_KERNEL)
		complain("si_code of SIGALRM", info->si_code, SI_KERNEL);
	alarms++;
	depth++;
	/* Open to everything but itself: the queued signals nest into this handler. */
	for (volatile int i = 0; i < 2000; i++)
		;
	depth--;
}

static void on_tick(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	if (info->si_code != SI_TIMER || info->si_value.sival_int != 4711)
		complain("siginfo of the timer, code", info->si_code, SI_TIMER);
	ticks++;
	overruns += (uint64_t)info->si_overrun;
	last_tick = now();
}

static void on_own(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	if (info->si_pid != getpid() || info->si_code != SI_TKILL)
		complain("siginfo of the own signal, code", info->si_code, SI_TKILL);
	own++;
}

static void handle(int n, void (*handler)(int, siginfo_t *, void *), int block_queued)
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};

	for (int i = 0; block_queued && i < QUEUED; i++)
		sigaddset(&action.sa_mask, SIGRTMIN + i);
	sigaction(n < 0 ? SIGALRM : SIGRTMIN + n, &action, NULL);
}

static void nap(long ns)
{
	nanosleep(&(struct timespec){0, ns}, NULL);
}

static uint64_t underway(void)
{
	uint64_t n = 0;

	for (int i = 0; i < QUEUED; i++)
		n += shared->sent[i] - shared->got[i];
	return n;
}

static void send(pid_t to, unsigned rate)
{
	uint32_t random = 12345;

	while (!shared->stop && getppid() == to) {
		unsigned burst = 1 + (random >> 8) % 12;
		int err;

		if (underway() > MAX_UNDERWAY) {
			while (underway() && !shared->stop)
				nap(100000);
			nap(REST_NS);
		}

		for (unsigned i = 0; i < burst; i++) {
			unsigned n;

			random = random * 1664525 + 1013904223;
			n = (random >> 16) % QUEUED;
			/* A full queue means that nothing was sent. */
			while ((err = sigqueue(to, SIGRTMIN + (int)n,
					       (union sigval){.sival_ptr = (void *)(uintptr_t)shared->sent[n]})) &&
			       errno == EAGAIN && !shared->stop)
				nap(REST_NS);
			if (err && errno != EAGAIN)
				_exit(errno == ESRCH ? 0 : 1);
			if (!err)
				shared->sent[n]++;
		}
		nap((long)(1000000000.0 / rate * burst));
	}
	shared->over = 1;
	_exit(0);
}

/* One block of computing whose result is known, and a trip through a pipe and a sleep. */
static void block(uint64_t n, const int pipe_fd[2])
{
	uint64_t x = n, sum = 0, back = 0;
	double d = 0;
	double before;

	for (int i = 0; i < 20000; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		sum += x >> 33;
		d += (double)(i & 7);
	}
	for (int i = 20000; i; i--) {
		sum -= x >> 33;
		x = (x - 1442695040888963407u) * 13877824140714322085u; /* inverse modulo 2^64 */
	}
	if (x != n || sum || d != 70000.0)
		complain("computed value", (long)x, (long)n);
	if (write(pipe_fd[1], &n, sizeof(n)) != sizeof(n) || read(pipe_fd[0], &back, sizeof(back)) != sizeof(back) || back != n)
		complain("value through a pipe", (long)back, (long)n);
	if (n % 16)
		return;
	before = now();
	for (struct timespec t = {0, 300000}; nanosleep(&t, &t) && errno == EINTR;)
		;
	if (now() - before < 300e-6)
		complain("interrupted sleep, ns", (long)((now() - before) * 1e9), 300000);
}

int main(int argc, char **argv)
{
	struct itimerval millisecond = {{0, 1000}, {0, 1000}}, off = {{0, 0}, {0, 0}};
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + SIG_TICK, .sigev_value.sival_int = 4711};
	struct itimerspec tick = {{0, TICK_NS}, {0, TICK_NS}};
	uint64_t blocks = 0, all = 0;
	double seconds = 3, start;
	unsigned rate = 2000;
	int opt, status, pipe_fd[2];
	long expiries;
	timer_t timer;

	while ((opt = getopt(argc, argv, "s:r:")) != -1) {
		if (opt == 's')
			seconds = atof(optarg);
		else if (opt == 'r')
			rate = (unsigned)atoi(optarg);
		else
			return 2;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || pipe(pipe_fd))
		return 1;
	for (int i = 0; i < QUEUED; i++)
		handle(i, on_queued, 1);
	handle(-1, on_alarm, 0);
	handle(SIG_TICK, on_tick, 0);
	handle(SIG_OWN, on_own, 0);
	sigset_t mask, old;
	sigfillset(&mask);
	sigprocmask(SIG_BLOCK, &mask, &old);
	sender = fork();
	if (!sender)
		send(getppid(), rate);
	sigprocmask(SIG_SETMASK, &old, NULL);
	printf("signals pid=%d\n", getpid());
	fflush(stdout);
	timer_create(CLOCK_MONOTONIC, &event, &timer);
	start = now();
	timer_settime(timer, 0, &tick, NULL);
	setitimer(ITIMER_REAL, &millisecond, NULL);
	do {
		uint64_t before = own;

		block(blocks++, pipe_fd);
		raise(SIGRTMIN + SIG_OWN);
		if (own != before + 1)
			complain("own signals handled when raise returned", (long)own, (long)before + 1);
	} while (now() - start < seconds && bad < 20);
	timer_settime(timer, 0, &(struct itimerspec){{0, 0}, {0, 0}}, NULL);
	setitimer(ITIMER_REAL, &off, NULL);
	shared->stop = 1;
	while (waitpid(sender, &status, 0) < 0 && errno == EINTR)
		;
	for (int i = 0; i < 50; i++)
		nap(1000000);
	for (int i = 0; i < QUEUED; i++) {
		all += shared->got[i];
		if (shared->got[i] != shared->sent[i])
			complain("signals handled of one number", (long)shared->got[i], (long)shared->sent[i]);
	}
	if (!shared->over || status)
		complain("sender's status", status, 0);
	/* The counts are those of the moment when the last one was taken from the queue: a little before its handler ran. */
	expiries = (long)(ticks + overruns);
	if (expiries > (long)((last_tick - start) * 1e9 / TICK_NS) ||
	    expiries < (long)((last_tick - start) * 0.98e9 / TICK_NS) - 10)
		complain("timer expiries", expiries, (long)((last_tick - start) * 1e9 / TICK_NS));
	if (!alarms || (double)alarms > (now() - start) * 1000 + 1)
		complain("alarms", (long)alarms, (long)((now() - start) * 1000));
	if (depth)
		complain("handlers not returned from", depth, 0);
	printf("queued=%lu alarms=%lu ticks=%lu own=%lu blocks=%lu bad=%lu\n", all, alarms, ticks, own, blocks, bad);
	return bad != 0;
}
