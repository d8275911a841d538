// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread that does little but fault, and whose handler leaves by siglongjmp: each fault is seen with the registers of the instruction that
 * made it, also when somebody stops the thread between the two. Prints "pid=", and at SIGTERM "faults=N bad=0".
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

extern const uint8_t faulting_store[];
static char *page;
static sigjmp_buf back;
static volatile uint64_t faults, bad;
static volatile sig_atomic_t stop;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	const greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)sig;
	faults++;
	if (gregs[REG_RIP] != (greg_t)faulting_store || info->si_addr != page || gregs[REG_RBX] != (greg_t)faults)
		bad++;
	siglongjmp(back, 1);
}

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

int main(void)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED || sigaction(SIGSEGV, &action, NULL) || signal(SIGTERM, on_term) == SIG_ERR)
		return 2;
	printf("faults pid=%d\n", getpid());
	fflush(stdout);
	while (!stop)
		if (!sigsetjmp(back, 1))
			__asm__ volatile("	.globl faulting_store\n"
					 "faulting_store:\n"
					 "	movb $1, (%0)"
					 :
					 : "r"(page), "b"(faults + 1)
					 : "memory");
	printf("faults=%lu bad=%lu\n", (unsigned long)faults, (unsigned long)bad);
	return bad != 0;
}
