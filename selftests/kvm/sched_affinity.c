// SPDX-License-Identifier: GPL-2.0-only
/* Affinity is the thread's own, whatever the cores it really uses: get returns what was set, children and threads inherit it. */
#include "testlib.h"

#include <sched.h>

static void show(const char *what)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	printf("%s: %ld bytes, ", what, syscall(SYS_sched_getaffinity, 0, sizeof(set), &set) > 0 ? 1l : 0l);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set))
			printf(" %d", cpu);
	printf("\n");
}

static void set_one(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	printf("set %d: %s\n", cpu, sched_setaffinity(0, sizeof(set), &set) ? errno_name(errno) : "ok");
}

static void *thread_shows(void *argument)
{
	show(argument);
	return NULL;
}

int main(void)
{
	cpu_set_t all, empty, by_thread;
	pthread_t thread;
	int cpus[2], count = 0;

	test_start();
	show("at the start");
	MUST(sched_getaffinity(0, sizeof(all), &all));
	for (int cpu = 0; cpu < CPU_SETSIZE && count < 2; cpu++)
		if (CPU_ISSET(cpu, &all))
			cpus[count++] = cpu;
	if (count < 2)
		cpus[1] = cpus[0];
	printf("own tid: %d\n", sched_getaffinity(gettid(), sizeof(by_thread), &by_thread) == 0 && CPU_EQUAL(&all, &by_thread));
	for (int i = 0; i < 2; i++) {
		set_one(cpus[i]);
		show("after it");
		CHECK(sched_getcpu() >= 0);
		pthread_create(&thread, NULL, thread_shows, (void *)"in a thread");
		pthread_join(thread, NULL);
		fflush(stdout);
		pid_t child = MUST(fork());
		if (child == 0) {
			show("in a child");
			exit(0);
		}
		wait_child(child);
		fflush(stdout);
		printf("taskset: %d\n", system("grep Cpus_allowed_list /proc/self/status"));
	}
	CPU_ZERO(&empty);
	printf("empty mask: %s\n", sched_setaffinity(0, sizeof(empty), &empty) ? errno_name(errno) : "ok");
	printf("bad pointer: %s\n", sched_setaffinity(0, sizeof(all), (void *)8) ? errno_name(errno) : "ok");
	printf("get, bad pointer: %s\n", sched_getaffinity(0, sizeof(all), (void *)8) ? errno_name(errno) : "ok");
	printf("get, too small: %s\n", syscall(SYS_sched_getaffinity, 0, 1l, &all) < 0 ? errno_name(errno) : "ok");
	printf("another process: %s\n", sched_getaffinity(0x3fffffff, sizeof(empty), &empty) ? errno_name(errno) : "ok");
	show("unchanged");
	printf("set back: %s\n", sched_setaffinity(0, sizeof(all), &all) ? errno_name(errno) : "ok");
	show("at the end");
	return test_done();
}
