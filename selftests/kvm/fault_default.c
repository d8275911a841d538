// SPDX-License-Identifier: GPL-2.0-only
/* Faults without a handler, ignored or blocked, end the process with the right signal; stack overflow too. */
// end: none
// args: segv
// args: segv blocked
// args: segv ignored
// args: bus
// args: fpe
// args: ill
// args: trap
// args: overflow
// args: handler-fault
// exit segv: 139
// exit segv blocked: 139
// exit segv ignored: 139
// exit bus: 135
// exit fpe: 136
// exit ill: 132
// exit trap: 133
// exit overflow: 139
// exit handler-fault: 139
#include "testlib.h"

#include <sys/resource.h>

static volatile uintptr_t nowhere = 16;
static volatile int zero;

static void faults(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	printf("in the handler\n");
	*(volatile int *)nowhere = 1;
}

static int __attribute__((noinline)) recurse(volatile int *depth)
{
	volatile char room[1000];

	room[0] = ++*depth;
	return *depth < 0 ? 0 : recurse(depth) + room[0];
}

int main(int argc, char **argv)
{
	sigset_t set;
	volatile int depth = 0;

	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	setrlimit(RLIMIT_STACK, &(struct rlimit){1 << 20, RLIM_INFINITY});
	test_start();
	const char *kind = argc > 1 ? argv[1] : "";
	if (argc > 2 && !strcmp(argv[2], "blocked")) {
		sigfillset(&set);
		sigprocmask(SIG_BLOCK, &set, NULL);
	} else if (argc > 2) {
		signal(SIGSEGV, SIG_IGN);
	}
	printf("%s\n", kind);
	if (!strcmp(kind, "handler-fault")) {
		handle(SIGSEGV, faults, 0);
		*(volatile int *)nowhere = 1;
	} else if (!strcmp(kind, "segv")) {
		*(volatile int *)nowhere = 1;
	} else if (!strcmp(kind, "bus")) {
		FILE *file = tmpfile();
		*(volatile char *)mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fileno(file), 0) = 1;
	} else if (!strcmp(kind, "fpe")) {
		zero = 7 / zero;
	} else if (!strcmp(kind, "ill")) {
		__asm__ volatile("ud2");
	} else if (!strcmp(kind, "trap")) {
		__asm__ volatile("int3");
	} else if (!strcmp(kind, "overflow")) {
		return recurse(&depth);
	}
	printf("survived\n");
	return 1;
}
