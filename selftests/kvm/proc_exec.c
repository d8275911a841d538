// SPDX-License-Identifier: GPL-2.0-only
/* execve: the new program starts with what Linux defines; a failing one leaves the thread as it was; from a thread too. */
// end: none
// args: ok
// args: fail
// args: thread
// args: busy-threads
// modes: run compute read run+follow compute+follow
// exit ok: 44
// exit fail: 45
// exit thread: 44
// exit busy-threads: 44
#include "testlib.h"

#include <sys/stat.h>

static char *self;

/* As the program itself sees them: /proc/self/status shows those of the gate. */
static void show_signals(void)
{
	sigset_t blocked, pending;
	struct sigaction action;

	sigprocmask(SIG_BLOCK, NULL, &blocked);
	sigpending(&pending);
	for (int sig = 1; sig <= 64; sig++) {
		bool default_action = sig == 32 || sig == 33 || sigaction(sig, NULL, &action) || action.sa_handler == SIG_DFL;
		if (sigismember(&blocked, sig) == 1 || sigismember(&pending, sig) == 1 || !default_action)
			printf("  signal %d:%s%s%s\n", sig, sigismember(&blocked, sig) == 1 ? " blocked" : "",
			       sigismember(&pending, sig) == 1 ? " pending" : "",
			       default_action                 ? ""
			       : action.sa_handler == SIG_IGN ? " ignored"
							      : " caught");
	}
}

/* What the new program finds. */
static int after(void)
{
	stack_t stack;

	printf("new program: pid is tid %d, environment %s\n", getpid() == gettid(), getenv("TEST_WORD"));
	show_signals();
	sigaltstack(NULL, &stack);
	printf("  alternate stack: %x, descriptor 9: %s\n", stack.ss_flags, fcntl(9, F_GETFD) < 0 ? "closed" : "open");
	bool compute = true;
	for (int i = 0; i < 100; i++)
		compute &= getppid() > 0;
	printf("  computes %d\n", compute);
	return 44;
}

static void *executes(void *argument)
{
	char *const arguments[] = {self, "after", NULL};

	if (argument)
		sleep_ms(20);
	execv(self, arguments);
	printf("execv: %s\n", errno_name(errno));
	return NULL;
}

static void *computes(void *argument)
{
	for (;;)
		__asm__ volatile("" ::: "memory");
	return argument;
}

static volatile sig_atomic_t calls;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	calls++;
}

static int failing(void)
{
	static char not_a_program[] = "/tmp/decouple-test-XXXXXX";
	char *const arguments[] = {"x", NULL};

	for (int i = 0; i < 5; i++) {
		printf("missing: %s\n", execv("/no/such/program", arguments) ? errno_name(errno) : "ok");
		printf("directory: %s\n", execv("/tmp", arguments) ? errno_name(errno) : "ok");
		printf("bad pointer: %s\n", syscall(SYS_execve, (void *)8, NULL, NULL) ? errno_name(errno) : "ok");
	}
	int fd = MUST(mkstemp(not_a_program));
	MUST(write(fd, "nonsense", 8));
	fchmod(fd, 0700);
	close(fd);
	printf("no format: %s\n", execve(not_a_program, arguments, NULL) ? errno_name(errno) : "ok");
	unlink(not_a_program);
	raise(SIGUSR1);
	printf("handlers still run: %d\n", (int)calls);
	if (test_decoupled_run()) {
		/* Taken up again soon after. */
		uint64_t end = now_ns() + 2000 * MS;
		while (!decoupled_now() && now_ns() < end)
			;
		CHECK(decoupled_now());
	}
	return test_done() ? 1 : 45;
}

int main(int argc, char **argv)
{
	static char alternate[64 * 1024];
	pthread_t thread;
	sigset_t set;

	self = argv[0];
	if (argc != 2)
		return 2;
	if (!strcmp(argv[1], "after"))
		return after();
	test_start();
	setenv("TEST_WORD", "kept", 1);
	handle(SIGUSR1, handler, 0);
	signal(SIGUSR2, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGHUP);
	sigaltstack(&(stack_t){.ss_sp = alternate, .ss_size = sizeof(alternate)}, NULL);
	dup3(1, 9, O_CLOEXEC);
	if (!strcmp(argv[1], "fail"))
		return failing();
	if (!strcmp(argv[1], "thread")) {
		pthread_create(&thread, NULL, executes, (void *)1);
		computes(NULL);
	}
	if (!strcmp(argv[1], "busy-threads"))
		for (int i = 0; i < 3; i++)
			pthread_create(&thread, NULL, computes, NULL);
	executes(NULL);
	return 1;
}
