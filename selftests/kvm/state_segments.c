// SPDX-License-Identifier: GPL-2.0-only
/* fs and gs bases: arch_prctl and the instructions agree, survive calls, signals and faults; errors are the kernel's. */
#include "testlib.h"

#include <asm/prctl.h>
#include <sys/auxv.h>

static uint64_t area[4] = {0x1111, 0x2222, 0x3333, 0x4444};
static volatile sig_atomic_t calls, wrong;
static bool instructions;

static uint64_t get(int code)
{
	uint64_t value = 0;

	MUST(syscall(SYS_arch_prctl, code, &value));
	return value;
}

static uint64_t gs_word(unsigned index)
{
	uint64_t value;

	__asm__ volatile("mov %%gs:(%1), %0" : "=r"(value) : "r"(index * 8ul));
	return value;
}

static uint64_t rdgs(void)
{
	uint64_t value;

	__asm__ volatile("rdgsbase %0" : "=r"(value));
	return value;
}

static uint64_t rdfs(void)
{
	uint64_t value;

	__asm__ volatile("rdfsbase %0" : "=r"(value));
	return value;
}

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	calls++;
	wrong += gs_word(2) != 0x3333;
}

int main(void)
{
	test_start();
	instructions = getauxval(AT_HWCAP2) & 2;
	uint64_t fs = get(ARCH_GET_FS);
	printf("GET_FS is the thread pointer: %d\n", fs == (uint64_t)__builtin_thread_pointer());
	printf("GET_GS: %#llx\n", (unsigned long long)get(ARCH_GET_GS));
	MUST(syscall(SYS_arch_prctl, ARCH_SET_GS, area));
	printf("SET_GS: same %d, words %llx %llx\n", get(ARCH_GET_GS) == (uint64_t)area, (unsigned long long)gs_word(0),
	       (unsigned long long)gs_word(3));
	handle(SIGUSR1, handler, 0);
	handle(SIGALRM, handler, SA_RESTART);
	raise(SIGUSR1);
	arm_timer(2000, 2000);
	for (int i = 0; i < 20000000 && calls < 20; i++)
		wrong += gs_word(1) != 0x2222;
	arm_timer(0, 0);
	sleep_ms(5);
	printf("over signals: wrong %d, afterwards %d\n", (int)wrong, gs_word(3) == 0x4444);

	/* Another thread pointer, with nothing of the C library in between. */
	static uint64_t other_fs[8];
	long result;
	uint64_t word;
	other_fs[0] = 0x5555;
	__asm__ volatile("mov $158, %%eax; mov $0x1002, %%edi; syscall; mov %%rax, %0; mov %%fs:0, %1;"
			 "mov $158, %%eax; mov $0x1002, %%edi; mov %3, %%rsi; syscall"
			 : "=&r"(result), "=&r"(word)
			 : "S"(other_fs), "r"(fs)
			 : "rax", "rdi", "rcx", "r11", "memory");
	printf("SET_FS: %ld, word %llx, back %d\n", result, (unsigned long long)word, get(ARCH_GET_FS) == fs);
	printf("SET_GS kernel address: %s\n",
	       syscall(SYS_arch_prctl, ARCH_SET_GS, 0xffff888000000000ul) ? errno_name(errno) : "ok");
	printf("GET_FS bad pointer: %s\n", syscall(SYS_arch_prctl, ARCH_GET_FS, 8ul) ? errno_name(errno) : "ok");
	printf("bad code: %s\n", syscall(SYS_arch_prctl, 0x4242, 0ul) ? errno_name(errno) : "ok");
	if (instructions) {
		unsigned bad = 0;
		for (int i = 0; i < 1000; i++) {
			uint64_t base = (uint64_t)&area[i % 2];
			__asm__ volatile("wrgsbase %0" : : "r"(base));
			bad += rdgs() != base || gs_word(0) != area[i % 2] || rdfs() != fs;
			if (i % 10 == 0)
				bad += get(ARCH_GET_GS) != base;
			if (i % 100 == 0)
				sleep_ms(1);
			bad += rdgs() != base;
		}
		printf("wrgsbase: wrong %u\n", bad);
		__asm__ volatile("wrgsbase %0" : : "r"((uint64_t)area));
		pid_t child = MUST(fork());
		if (child == 0)
			_exit(gs_word(1) == 0x2222 && rdgs() == (uint64_t)area ? 6 : 1);
		printf("inherited by a child: %d\n", wait_child(child));
	}
	MUST(syscall(SYS_arch_prctl, ARCH_SET_GS, 0ul));
	printf("GET_GS at the end: %#llx\n", (unsigned long long)get(ARCH_GET_GS));
	return test_done();
}
