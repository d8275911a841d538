// SPDX-License-Identifier: GPL-2.0-only
/* Ways to end: exit, exit_group from a thread, the main thread leaves first, a thread dies of a signal, exit while others block. */
// end: none
// args: exit
// args: group-from-thread
// args: leader-first
// args: fatal-in-thread
// args: blocked-threads
// args: raw-exit
// modes: run compute read run+follow compute+follow
// exit exit: 21
// exit group-from-thread: 22
// exit leader-first: 23
// exit fatal-in-thread: 139
// exit blocked-threads: 24
// exit raw-exit: 25
#include "testlib.h"

#include <sys/resource.h>

static void at_exit(void)
{
	printf("atexit handler\n");
}

static void *ends_process(void *argument)
{
	sleep_ms(20);
	printf("thread: ending the process\n");
	syscall(SYS_exit_group, (int)(long)argument);
	return NULL;
}

static void *outlives(void *argument)
{
	sleep_ms(50);
	double sum = 0;
	for (int i = 1; i < 1000000; i++)
		sum += 1.0 / i;
	printf("the leader is gone: %.6f\n", sum);
	exit((int)(long)argument);
}

static void *faults(void *argument)
{
	volatile uintptr_t nowhere = 16;

	sleep_ms(20);
	*(volatile int *)nowhere = 1;
	return argument;
}

static void *blocks(void *argument)
{
	pause();
	return argument;
}

static void compute(void)
{
	for (;;)
		__asm__ volatile("" ::: "memory");
}

int main(int argc, char **argv)
{
	pthread_t thread;

	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	test_start();
	const char *kind = argc > 1 ? argv[1] : "";
	atexit(at_exit);
	printf("%s\n", kind);
	if (!strcmp(kind, "exit"))
		exit(21);
	if (!strcmp(kind, "group-from-thread")) {
		pthread_create(&thread, NULL, ends_process, (void *)22);
		compute();
	}
	if (!strcmp(kind, "leader-first")) {
		pthread_create(&thread, NULL, outlives, (void *)23);
		pthread_exit(NULL);
	}
	if (!strcmp(kind, "fatal-in-thread")) {
		pthread_create(&thread, NULL, faults, NULL);
		compute();
	}
	if (!strcmp(kind, "blocked-threads")) {
		for (int i = 0; i < 5; i++)
			pthread_create(&thread, NULL, blocks, NULL);
		sleep_ms(20);
		return 24;
	}
	if (!strcmp(kind, "raw-exit"))
		syscall(SYS_exit, 25); /* the only thread */
	return 1;
}
