// SPDX-License-Identifier: GPL-2.0-only
/* Vector, mask and x87 registers, MXCSR and the x87 control word over calls, sleeps, faults, page faults and time slices. */
#include "testlib.h"
#include "registers.h"

static int level;
static volatile sig_atomic_t faults;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info;
	faults++;
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] = (greg_t)code_ud2_end;
}

static void run(const char *what, code_fn *code, const uint64_t args[7], unsigned times)
{
	static struct vectors in, out;
	unsigned wrong = 0;

	for (unsigned i = 0; i < times && wrong < 3; i++) {
		vectors_fill(&in, i);
		memset(&out, 0, sizeof(out));
		vectors_call(&in, &out, code, args, level);
		wrong += !vectors_equal(&in, &out, level, what);
	}
	printf("%s: wrong %u\n", what, wrong);
}

int main(void)
{
	struct timespec delay = {0, 300000};
	uint64_t args[7] = {0};

	test_start();
	level = vectors_level();
	handle(SIGILL, handler, 0);
	args[6] = SYS_getppid;
	run("getppid", code_syscall, args, 300);
	args[6] = SYS_sched_yield;
	run("sched_yield", code_syscall, args, 300);
	args[6] = SYS_nanosleep;
	args[0] = (uint64_t)&delay;
	run("nanosleep", code_syscall, args, 50);
	run("fault", code_ud2, args, 100);
	printf("faults %d\n", (int)faults);
	uint8_t *fresh = mmap(NULL, 100 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (unsigned i = 0; i < 100; i += 20) {
		args[0] = (uint64_t)(fresh + i * 4096);
		run("page fault", code_load_any, args, 1);
	}
	uint8_t *flag = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child = MUST(fork());
	if (child == 0) {
		sleep_ms(200);
		*flag = 1;
		_exit(0);
	}
	args[6] = (uint64_t)flag;
	run("computing", code_spin, args, 1);
	CHECK(wait_child(child) == 0);

	/* Modes set by the program stay set, also in a thread that it starts later. */
	uint32_t mxcsr = 0x7f80, now;
	uint16_t control = 0x0f7f, control_now;
	__asm__ volatile("ldmxcsr %0; fldcw %1" : : "m"(mxcsr), "m"(control));
	for (int i = 0; i < 100; i++)
		syscall(SYS_getppid);
	sleep_ms(2);
	raise(SIGCHLD);
	__asm__ volatile("stmxcsr %0; fnstcw %1" : "=m"(now), "=m"(control_now));
	printf("MXCSR %x, x87 control %x\n", now & ~0x3fu, control_now);
	mxcsr = 0x1f80;
	control = 0x37f;
	__asm__ volatile("ldmxcsr %0; fldcw %1" : : "m"(mxcsr), "m"(control));
	return test_done();
}
