// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes a child after the other, each with this memory and a stack of its own: threads, or processes (clone without CLONE_THREAD).
 *
 * usage: stress_children threads|processes
 * Each writes a word of its own before it ends, and is waited for; a process's status must be 0. Prints `pid=N`; SIGTERM ends it: it
 * prints the number of `children=N bad=N`, with status 1 if bad is not 0.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_BYTES 65536

static volatile sig_atomic_t stop;
static unsigned long written;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static void *thread(void *number)
{
	written = (unsigned long)number;
	return NULL;
}

static int process(void *number)
{
	written = (unsigned long)number;
	return 0;
}

static int by_thread(unsigned long number)
{
	pthread_t child;

	return pthread_create(&child, NULL, thread, (void *)number) || pthread_join(child, NULL);
}

static int by_process(unsigned long number, char *stack)
{
	pid_t child = clone(process, stack + STACK_BYTES, CLONE_VM | SIGCHLD, (void *)number);
	int status = -1;

	return child < 0 || waitpid(child, &status, 0) != child || status;
}

int main(int argc, char **argv)
{
	char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int processes = argc > 1 && !strcmp(argv[1], "processes");
	unsigned long number = 0, bad = 0;

	if (stack == MAP_FAILED || argc != 2)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGTERM, on_signal);
	printf("pid=%d\n", getpid());
	while (!stop) {
		int wrong = processes ? by_process(++number, stack) : by_thread(++number);

		bad += wrong || written != number;
	}
	printf("children=%lu bad=%lu\n", number, bad);
	return bad != 0;
}
