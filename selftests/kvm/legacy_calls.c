// SPDX-License-Identifier: GPL-2.0-only
/* System calls by other ways than SYSCALL: int 0x80 (32-bit numbers) and the vsyscall page; numbers out of range. */
#include "testlib.h"

#include <setjmp.h>

static sigjmp_buf back;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)context;
	printf("  signal %d code %d\n", sig, info->si_code);
	siglongjmp(back, sig);
}

static long int80(long nr, long a, long b, long c)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
	return result;
}

int main(void)
{
	static const uint64_t numbers[] = {UINT64_MAX, 1000, 4000, 0x7fffffff, 0x80000000, 0x100000000 + SYS_getpid,
					   0x40000000};

	test_start();
	handle(SIGSEGV, handler, 0);
	handle(SIGILL, handler, 0);
	if (sigsetjmp(back, 1) == 0) {
		printf("int80 getpid: %d\n", int80(20, 0, 0, 0) == getpid());
		printf("int80 bad number: %ld\n", int80(9999, 0, 0, 0));
		for (int i = 0; i < 50; i++)
			CHECK(int80(20, 0, 0, 0) == getpid());
		char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
		strcpy(low, "int80 write\n");
		printf("int80 write: %ld\n", int80(4, 1, (long)low, 12));
	}
	if (sigsetjmp(back, 1) == 0) {
		time_t (*vsyscall_time)(time_t *);
		*(uintptr_t *)&vsyscall_time = 0xffffffffff600400;
		time_t there = vsyscall_time(NULL), here = time(NULL);
		printf("vsyscall time: %d\n", here - there < 3 && here - there >= 0);
	}
	if (sigsetjmp(back, 1) == 0) {
		volatile uintptr_t page = 0xffffffffff600000;
		printf("vsyscall page read: %d\n", *(volatile uint8_t *)page);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
		long result = syscall((long)numbers[i]);
		printf("number %#llx: %s\n", (unsigned long long)numbers[i],
		       result < 0           ? errno_name(errno)
		       : result == getpid() ? "pid"
					    : "ok");
	}
	printf("x32 getpid: %s\n", syscall(0x40000000 + SYS_getpid) < 0 ? errno_name(errno) : "ok");
	return test_done();
}
