// SPDX-License-Identifier: GPL-2.0-only
/* Calls that a guest can't follow: they do what they do natively, the thread runs natively from then on, and has its rseq area again. */
// args: modify_ldt
// args: ioperm
// args: iopl
// args: set_thread_area
// args: user-dispatch
// args: tsc
// args: cpuid
// args: xcomp
#include "testlib.h"

#include <asm/ldt.h>
#include <asm/prctl.h>
#include <sys/rseq.h>
#include <sys/prctl.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif
#ifndef ARCH_REQ_XCOMP_PERM
#define ARCH_REQ_XCOMP_PERM 0x1023
#endif

static volatile sig_atomic_t dispatched, segv;
static volatile uint8_t selector;

static void on_sys(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	selector = 0;
	dispatched = info->si_syscall;
}

static void on_segv(int sig, siginfo_t *info, void *context)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)sig, (void)info;
	segv++;
	gregs[REG_RIP] += 2; /* RDTSC and CPUID */
}

static void tsc_and_cpuid(void)
{
	unsigned a = 0, d;

	__asm__ volatile("rdtsc" : "=a"(a), "=d"(d));
	__asm__ volatile("cpuid" : "+a"(a) : : "rbx", "rcx", "rdx");
}

static long act(const char *kind)
{
	struct user_desc entry = {.entry_number = 0, .base_addr = 0, .limit = 0xfffff, .seg_32bit = 1, .limit_in_pages = 1};

	if (!strcmp(kind, "modify_ldt"))
		return syscall(SYS_modify_ldt, 1, &entry, sizeof(entry));
	if (!strcmp(kind, "ioperm"))
		return syscall(SYS_ioperm, 0x80, 1, 1);
	if (!strcmp(kind, "iopl"))
		return syscall(SYS_iopl, 3);
	if (!strcmp(kind, "set_thread_area")) {
		entry.entry_number = -1;
		return syscall(SYS_set_thread_area, &entry);
	}
	if (!strcmp(kind, "tsc"))
		return prctl(PR_SET_TSC, PR_TSC_SIGSEGV);
	if (!strcmp(kind, "cpuid"))
		return syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0);
	if (!strcmp(kind, "xcomp"))
		return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, 18);
	handle(SIGSYS, on_sys, 0);
	return prctl(PR_SET_SYSCALL_USER_DISPATCH, 1, 0, 0, &selector);
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "";

	test_start();
	handle(SIGSEGV, on_segv, 0);
	long result = act(kind);
	printf("%s: %s\n", kind, result < 0 ? errno_name(errno) : "ok");
	if (!strcmp(kind, "user-dispatch") && !result) {
		selector = 1;
		syscall(SYS_getpgid, 0);
		printf("dispatched %d, in force %d\n", dispatched == SYS_getpgid, (int)selector);
		MUST(prctl(PR_SET_SYSCALL_USER_DISPATCH, 0, 0, 0, 0));
	}
	if (!strcmp(kind, "tsc") && !result) {
		tsc_and_cpuid();
		printf("RDTSC faults: %d\n", (int)segv);
		MUST(prctl(PR_SET_TSC, PR_TSC_ENABLE));
	}
	if (!strcmp(kind, "cpuid") && !result) {
		tsc_and_cpuid();
		printf("CPUID faults: %d\n", (int)segv);
		MUST(syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1));
	}
	if (!strcmp(kind, "ioperm") && !result) {
		__asm__ volatile("outb %%al, $0x80" : : "a"(0));
		printf("port may be used: %d\n", !segv);
	}
	sleep_ms(1);
	const struct rseq *mine = (const struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
	printf("a CPU number in the rseq area: %d\n", !__rseq_size || (int)mine->cpu_id >= 0);
	return test_done_native();
}
