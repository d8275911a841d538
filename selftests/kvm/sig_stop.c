// SPDX-License-Identifier: GPL-2.0-only
/* STOP, TSTP and CONT from outside: the whole process stands still meanwhile, a handler for CONT runs, calls go on. */
#include "testlib.h"

static volatile sig_atomic_t continued;

static void on_cont(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	continued++;
}

/* Stops pid after 30 ms, sees it in state T, waits 150 ms, sees that it used no CPU time, and continues it. */
static pid_t stopper(int sig)
{
	pid_t parent = getpid(), child = MUST(fork());
	unsigned long user[2], sys[2];

	if (child)
		return child;
	sleep_ms(30);
	kill(parent, sig);
	for (int look = 0; look < 2; look++) {
		char path[64], line[512], state = 0;
		sleep_ms(look ? 120 : 40);
		snprintf(path, sizeof(path), "/proc/%d/stat", parent);
		FILE *file = fopen(path, "r");
		if (!file || !fgets(line, sizeof(line), file) ||
		    sscanf(strrchr(line, ')') + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &state, &user[look],
			   &sys[look]) != 3)
			_exit(1);
		fclose(file);
		if (state != 'T')
			_exit(2);
	}
	kill(parent, SIGCONT);
	_exit(user[0] == user[1] && sys[0] == sys[1] ? 0 : 3);
}

/* The longest gap between two looks at the clock. */
static bool computed_with_gap(unsigned ms)
{
	uint64_t gap = 0, last = now_ns(), end = last + ms * MS;

	while (last < end) {
		uint64_t now = now_ns();
		if (now - last > gap)
			gap = now - last;
		last = now;
	}
	return gap > 100 * MS;
}

int main(void)
{
	test_start();
	static const int signals[] = {SIGSTOP, SIGTSTP, SIGTTIN};
	handle(SIGCONT, on_cont, SA_RESTART);
	setpgid(0, 0); /* not orphaned: the parent is in another group of the session, else TSTP is ignored */
	for (unsigned i = 0; i < ARRAY_SIZE(signals); i++) {
		continued = 0;
		pid_t child = stopper(signals[i]);
		bool gap = computed_with_gap(400);
		printf("%d computing: stood still %d, helper %d, CONT handled %d\n", signals[i], gap, wait_child(child),
		       (int)continued);
		continued = 0;
		child = stopper(signals[i]);
		uint64_t begin = now_ns();
		sleep_ms(100);
		bool late = now_ns() - begin >= 150 * MS;
		printf("%d sleeping: stood still %d, helper %d, CONT handled %d\n", signals[i], late, wait_child(child),
		       (int)continued);
	}
	signal(SIGCONT, SIG_DFL);
	pid_t child = stopper(SIGSTOP);
	bool gap = computed_with_gap(400);
	printf("without a handler: stood still %d, helper %d\n", gap, wait_child(child));
	return test_done();
}
