// SPDX-License-Identifier: GPL-2.0-only
/* STOP, TSTP and CONT from outside: the whole process stands still meanwhile, a handler for CONT runs, calls go on. */
#include "testlib.h"

static volatile sig_atomic_t continued;
/* Shared with the helper: it may begin, since the parent is behind the fork. */
static volatile int *begun;

static void on_cont(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	continued++;
}

/* How long the process is stopped at least, and how long it computes or sleeps that it may meet that. */
static const unsigned stop_ms = 300, window_ms = 800, sleep_for_ms = 200;

static char look_at(pid_t pid, unsigned long *user, unsigned long *sys)
{
	char path[64], line[512], state = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *file = fopen(path, "r");
	if (!file || !fgets(line, sizeof(line), file) ||
	    sscanf(strrchr(line, ')') + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &state, user, sys) != 3)
		_exit(1);
	fclose(file);
	return state;
}

/* Stops the parent 30 ms after that has begun, waits until it is in state T, sees later that it is and used no CPU time, and continues it. */
static pid_t stopper(int sig)
{
	pid_t parent = getpid(), child = MUST(fork());
	unsigned long user[2], sys[2];

	if (child) {
		*begun = 1;
		return child;
	}
	while (!*begun)
		sleep_ms(1);
	*begun = 0;
	sleep_ms(30);
	kill(parent, sig);
	for (int tries = 0; look_at(parent, &user[0], &sys[0]) != 'T' && tries < 1000; tries++)
		sleep_ms(1);
	look_at(parent, &user[0], &sys[0]);
	sleep_ms(stop_ms);
	bool stopped = look_at(parent, &user[1], &sys[1]) == 'T';
	kill(parent, SIGCONT);
	_exit(!stopped ? 2 : user[0] == user[1] && sys[0] == sys[1] ? 0 : 3);
}

/* The longest gap between two looks at the clock. */
static bool computed_with_gap(void)
{
	uint64_t gap = 0, last = now_ns(), end = last + window_ms * MS;

	while (last < end) {
		uint64_t now = now_ns();
		if (now - last > gap)
			gap = now - last;
		last = now;
	}
	return gap > (stop_ms - 50) * MS;
}

int main(void)
{
	test_start();
	begun = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	static const int signals[] = {SIGSTOP, SIGTSTP, SIGTTIN};
	handle(SIGCONT, on_cont, SA_RESTART);
	setpgid(0, 0); /* not orphaned: the parent is in another group of the session, else TSTP is ignored */
	for (unsigned i = 0; i < ARRAY_SIZE(signals); i++) {
		continued = 0;
		pid_t child = stopper(signals[i]);
		bool gap = computed_with_gap();
		printf("%d computing: stood still %d, helper %d, CONT handled %d\n", signals[i], gap, wait_child(child),
		       (int)continued);
		continued = 0;
		child = stopper(signals[i]);
		uint64_t begin = now_ns();
		sleep_ms(sleep_for_ms);
		bool late = now_ns() - begin >= stop_ms * MS;
		printf("%d sleeping: stood still %d, helper %d, CONT handled %d\n", signals[i], late, wait_child(child),
		       (int)continued);
	}
	signal(SIGCONT, SIG_DFL);
	pid_t child = stopper(SIGSTOP);
	bool gap = computed_with_gap();
	printf("without a handler: stood still %d, helper %d\n", gap, wait_child(child));
	return test_done();
}
