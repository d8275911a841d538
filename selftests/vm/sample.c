// SPDX-License-Identifier: GPL-2.0-only
/*
 * What svm_stub.sh runs natively and decoupled: sample compute | signals | forkexec. Prints only what must be equal in both.
 */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t mixed(uint64_t x)
{
	x ^= x << 13;
	x ^= x >> 7;
	return x ^ x << 17;
}

/* Integer and floating-point work with system calls in between, memory that is touched first here, the vDSO's clock. */
static int compute(void)
{
	int pipe_fds[2], pid = getpid();
	uint64_t x = 88172645463325252, wrong = 0, backwards = 0;
	double sum = 0;
	struct timespec before = {0}, now;

	if (pipe(pipe_fds))
		return 1;
	for (int i = 0; i < 3000; i++) {
		uint64_t got;
		for (int j = 0; j < 200; j++)
			x = mixed(x);
		sum += sin((double)(x % 1000)) / (i + 1);
		if (write(pipe_fds[1], &x, sizeof(x)) != sizeof(x) || read(pipe_fds[0], &got, sizeof(got)) != sizeof(got))
			return 1;
		wrong += got != x || syscall(SYS_getpid) != pid;
		clock_gettime(CLOCK_MONOTONIC, &now);
		backwards += now.tv_sec < before.tv_sec || (now.tv_sec == before.tv_sec && now.tv_nsec < before.tv_nsec);
		before = now;
	}
	for (int i = 0; i < 64; i++) {
		unsigned char *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			return 1;
		memset(p, i, 65536);
		for (int j = 0; j < 65536; j++)
			x += p[j];
		munmap(p, 65536);
	}
	printf("x=%016lx sum=%.17g wrong=%lu backwards=%lu\n", x, sum, wrong, backwards);
	return 0;
}

static volatile sig_atomic_t ticks, raised;
static sigjmp_buf resume;
static siginfo_t fault;

static void on_tick(int sig)
{
	(void)sig;
	ticks++;
}

static void on_usr(int sig)
{
	(void)sig;
	raised++;
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	fault = *info;
	siglongjmp(resume, 1);
}

/* An interval timer below computation, signals raised by the thread itself, true faults left by siglongjmp. */
static int signals(void)
{
	struct itimerval every = {{0, 2000}, {0, 2000}}, never = {{0, 0}, {0, 0}};
	struct sigaction act = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
	char *hole = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile uint64_t x = 1;
	volatile int zero = 0;

	if (hole == MAP_FAILED)
		return 1;
	signal(SIGALRM, on_tick);
	signal(SIGUSR1, on_usr);
	setitimer(ITIMER_REAL, &every, NULL);
	for (int i = 0; i < 4000000 || ticks < 20; i++)
		x = mixed(x) | 1;
	setitimer(ITIMER_REAL, &never, NULL);
	for (int i = 0; i < 100; i++) {
		raise(SIGUSR1);
		if (raised != i + 1)
			printf("raise %d returned before its handler ran\n", i);
	}
	printf("ticks %s, raised %d\n", ticks >= 20 ? "came" : "missing", (int)raised);

	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGFPE, &act, NULL);
	sigaction(SIGILL, &act, NULL);
	if (!sigsetjmp(resume, 1))
		*(volatile char *)(hole + 123) = 1;
	printf("signal %d code %d offset %ld\n", fault.si_signo, fault.si_code, (long)((char *)fault.si_addr - hole));
	if (!sigsetjmp(resume, 1))
		x = 1000 / zero;
	printf("signal %d code %d\n", fault.si_signo, fault.si_code);
	if (!sigsetjmp(resume, 1))
		__asm__ volatile("ud2");
	printf("signal %d code %d\n", fault.si_signo, fault.si_code);
	fflush(stdout);
	signal(SIGTERM, SIG_DFL);
	raise(SIGTERM);
	return 1;
}

static int forkexec(void)
{
	for (int i = 0; i < 5; i++) {
		int status, pid = fork();
		if (pid < 0)
			return 1;
		if (!pid)
			_exit(40 + i);
		if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
			return 1;
		printf("child %d: %d\n", i, WEXITSTATUS(status));
	}
	fflush(stdout);
	if (system("echo from a shell | tr a-z A-Z"))
		return 1;
	execl("/bin/sh", "sh", "-c", "echo after execve; exit 9", (char *)NULL);
	return 1;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "compute"))
		return compute();
	if (!strcmp(what, "signals"))
		return signals();
	if (!strcmp(what, "forkexec"))
		return forkexec();
	fprintf(stderr, "usage: %s compute|signals|forkexec\n", argv[0]);
	return 2;
}
