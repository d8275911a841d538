// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process to be refused or attached by a script: target MODE FILE. Counts in the first word of FILE, computing and calling, and
 * checks itself (in mode `silent` without calls); at SIGTERM it prints `right` or `wrong` and exits 0.
 */
// part-of: cli.sh kvm_stats.sh silent.sh refuse.sh refuse_setup.sh core_dump.sh
#include "testlib.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>

#define EATEN (1 << 20)

static volatile sig_atomic_t stop;
static volatile uintptr_t nowhere = 0x1230;

static void on_term(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	stop = 1;
}

static void install_filter(void)
{
	struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog program = {ARRAY_SIZE(code), code};

	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

static volatile uint8_t selector; /* of Syscall User Dispatch: lets all calls pass */

static void *idle(void *argument)
{
	if (argument)
		MUST(prctl(PR_SET_TSC, PR_TSC_SIGSEGV));
	for (;;)
		pause();
	return argument;
}

/* The faulting instruction is the one at the label, with these registers: what a core file must show. */
void die_here(void);
__asm__(".text\n.globl die_here, die_insn\n"
	"die_here:\n"
	"	mov $0x1111, %ebx\n"
	"	mov $0x2222, %r12d\n"
	"	mov nowhere(%rip), %rax\n"
	"	movabs $0x123456789abcdef0, %r15\n"
	"die_insn:\n"
	"	mov %r15, (%rax)\n"
	"	ret\n");

/* In the parent a wait that no signal and no tracer interrupts. */
static void wait_in_vfork(void)
{
	pid_t child = vfork();

	if (child == 0) {
		nanosleep(&(struct timespec){2, 500 * MS}, NULL);
		_exit(0);
	}
	wait_child(child);
}

/* Until there is no more, for anybody. */
static void eat(void)
{
	for (;;) {
		char *memory = mmap(NULL, EATEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (memory != MAP_FAILED)
			memset(memory, 1, EATEN);
	}
}

static const char *mode;
static volatile uint64_t *counter; /* [1]: asked to crash, to eat memory, or to wait */

static void *work(void *argument)
{
	uint64_t sum = 0, rounds = 0;
	bool silent = !strcmp(mode, "silent");

	while (!stop) {
		for (uint64_t i = 0; i < 1000; i++)
			sum += i;
		rounds++;
		++*counter;
		if (rounds % 1000 == 0 && !silent)
			CHECK(getppid() > 0);
		if (!counter[1])
			continue;
		counter[1] = 0;
		if (!strcmp(mode, "crash"))
			die_here();
		if (!strcmp(mode, "eat"))
			eat();
		wait_in_vfork();
	}
	printf("%s\n", sum == rounds * 499500 && *counter == rounds ? "right" : "wrong");
	exit(0);
	return argument;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc != 3)
		return 2;
	mode = argv[1];
	int fd = MUST(open(argv[2], O_RDWR | O_CREAT, 0666));
	MUST(ftruncate(fd, 4096));
	counter = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	handle(SIGTERM, on_term, 0);
	if (!strcmp(mode, "seccomp"))
		install_filter();
	else if (!strcmp(mode, "sig64-caught"))
		handle(64, on_term, 0);
	else if (!strcmp(mode, "sig64-ignored"))
		signal(64, SIG_IGN);
	else if (!strcmp(mode, "user-dispatch"))
		MUST(prctl(59 /* PR_SET_SYSCALL_USER_DISPATCH */, 1, 0, 0, &selector));
	else if (!strcmp(mode, "tsc-off"))
		MUST(prctl(PR_SET_TSC, PR_TSC_SIGSEGV));
	else if (!strcmp(mode, "cpuid-off"))
		MUST(syscall(SYS_arch_prctl, 0x1012 /* ARCH_SET_CPUID */, 0));
	else if (!strcmp(mode, "threads"))
		pthread_create(&thread, NULL, idle, NULL);
	else if (!strcmp(mode, "tsc-off-thread"))
		pthread_create(&thread, NULL, idle, argv);
	else if (!strcmp(mode, "traced"))
		MUST(ptrace(PTRACE_TRACEME, 0, 0, 0));
	else if (!strcmp(mode, "leaderless")) {
		pthread_create(&thread, NULL, work, NULL);
		pthread_exit(NULL);
	}
	work(NULL);
}
