// SPDX-License-Identifier: GPL-2.0-only
/* --follow: new threads, children and the programs that they execute are decoupled, however they are started. */
// modes: run+follow compute+follow
// timeout: 330
// limit: 100
#include "testlib.h"

#include <spawn.h>

extern char **environ;

static const char *self;

/*
 * The vCPU thread is there a moment before the thread is captured, and what a thread starts before that is not followed. The calls of a
 * captured thread are made with all signals blocked.
 */
static bool in_gate(void)
{
	unsigned long blocked = 0;
	char line[128];

	FILE *file = fopen("/proc/thread-self/status", "r");
	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "SigBlk: %lx", &blocked);
	if (file)
		fclose(file);
	return blocked & 1;
}

/* With the module its gate is mapped: a child has one of its own. */
static bool right_reflector(void)
{
	const char *reflector = getenv("REFLECTOR");
	bool wanted = reflector && !strcmp(reflector, "module"), gate = false;
	char line[4200];

	FILE *file = fopen("/proc/thread-self/maps", "r");
	while (file && fgets(line, sizeof(line), file))
		gate = gate || strstr(line, "[decouple]");
	if (file)
		fclose(file);
	return gate == wanted;
}

/* In a native run nothing is decoupled, and that is right. */
static int as_asked(bool asked)
{
	bool wanted = asked && test_decoupled_run();

	if (!wanted) {
		busy_ms(200);
		return !decoupled_now();
	}
	for (uint64_t end = now_ns() + 5000 * MS; !(decoupled_now() && in_gate()) && now_ns() < end;)
		busy_ms(1);
	return decoupled_now() && right_reflector();
}

/* Decoupled or not, it must work. */
static int computes(void)
{
	double sum = 0;

	for (int i = 1; i < 300000; i++)
		sum += 1.0 / i;
	return sum > 13.18 && sum < 13.19 && getppid() > 0;
}

static void *thread(void *argument)
{
	int *result = argument;

	result[0] = as_asked(true) + 10 * computes();
	return NULL;
}

static void *thread_of_thread(void *argument)
{
	pthread_t inner;
	int *result = argument;

	result[1] = as_asked(true);
	pthread_create(&inner, NULL, thread, result);
	pthread_join(inner, NULL);
	return NULL;
}

static void threads(const char *of)
{
	int result[2] = {-1, -1};
	pthread_t outer;

	pthread_create(&outer, NULL, thread_of_thread, result);
	pthread_join(outer, NULL);
	printf("%s: thread %d, its thread %d\n", of, result[1], result[0]);
	fflush(stdout);
}

static pid_t execute(const char *how)
{
	char *const arguments[] = {(char *)self, (char *)how, NULL};
	pid_t child = MUST(fork());

	if (child == 0) {
		execve(self, arguments, environ);
		_exit(99);
	}
	return child;
}

static int executes(void *arguments)
{
	execve(self, arguments, environ);
	return 99;
}

static pid_t execute_in_vfork(const char *how)
{
	char *const arguments[] = {(char *)self, (char *)how, NULL};
	pid_t child = vfork();

	if (child == 0) {
		execve(self, arguments, environ);
		_exit(99);
	}
	return MUST(child);
}

/* A child that shares the parent's memory runs natively; the program that it executes does not. */
static void in_vforks(void)
{
	char *const arguments[] = {(char *)self, "alone", NULL};
	char command[4200];
	volatile int seen = 0;
	pid_t child = vfork();

	if (child == 0) {
		seen = 1;
		_exit(7);
	}
	printf("vfork: %d, memory %d\n", wait_child(child), seen);
	printf("vfork and execve: %d\n", wait_child(execute_in_vfork("alone")));
	CHECK(posix_spawn(&child, self, NULL, NULL, arguments, environ) == 0);
	printf("posix_spawn: %d\n", wait_child(child));
	CHECK(posix_spawnp(&child, "no-such-program", NULL, NULL, arguments, environ) == ENOENT);
	/* The shell, and what it executes. */
	snprintf(command, sizeof(command), "%s alone; exit $(($? + 1))", self);
	printf("system: %d\n", WEXITSTATUS(system(command)));
	/* Fails at first. */
	child = vfork();
	if (child == 0) {
		for (seen = 0; seen < 3; seen++)
			execve("/no/such/program", arguments, environ);
		execve(self, arguments, environ);
		_exit(99);
	}
	printf("vfork, failing execve: %d, %d times\n", wait_child(child), seen);
	/* Ends without. */
	child = vfork();
	if (child == 0) {
		execve("/no/such/program", arguments, environ);
		raise(SIGKILL);
	}
	printf("vfork, killed: %d\n", wait_child(child));
	/* Runs beside its parent. */
	static char stack[65536] __attribute__((aligned(16)));
	child = MUST(clone(executes, stack + sizeof(stack), CLONE_VM | SIGCHLD, (void *)arguments));
	printf("clone and execve: %d\n", wait_child(child));
}

int main(int argc, char **argv)
{
	self = argv[0];
	if (argc == 2) {
		printf("executed, %s: %d, computes %d\n", argv[1], as_asked(true), computes());
		if (!strcmp(argv[1], "followed"))
			threads("executed");
		return 31;
	}
	test_start();
	threads("main");
	for (int i = 0; i < 3; i++) {
		pid_t child = MUST(fork());
		if (child == 0) {
			printf("child: %d, computes %d\n", as_asked(true), computes());
			threads("child");
			pid_t inner = MUST(fork());
			if (inner == 0)
				_exit(as_asked(true) && computes() ? 3 : 1);
			_exit(10 + wait_child(inner));
		}
		printf("fork: %d\n", wait_child(child));
	}
	printf("fork and execve: %d\n", wait_child(execute("followed")));
	in_vforks();
	return test_done();
}
