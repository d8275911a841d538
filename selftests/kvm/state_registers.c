// SPDX-License-Identifier: GPL-2.0-only
/* General registers over every kind of way into the kernel and back: calls, sleeps, errors, yields, time slices, page faults. */
#include "testlib.h"
#include "registers.h"

static int pipe_fds[2];

struct call {
	const char *name;
	long nr;
	uint64_t arg[6];
};

static void run(const struct call *call)
{
	struct registers in, out;
	unsigned wrong = 0;

	for (unsigned i = 0; i < 100; i++) {
		registers_fill(&in, i);
		in.rax = call->nr;
		in.rdi = call->arg[0];
		in.rsi = call->arg[1];
		in.rdx = call->arg[2];
		in.r10 = call->arg[3];
		in.r8 = call->arg[4];
		in.r9 = call->arg[5];
		registers_call(&in, &out, code_syscall);
		bool same = registers_equal(&in, &out, "rax rcx r11", call->name);
		wrong += !same || out.rcx != (uint64_t)code_syscall_end || out.r11 != in.rflags;
		if (wrong > 3)
			break;
	}
	printf("%s: wrong %u", call->name, wrong);
	if ((long)out.rax < 0 || (long)out.rax < 4096)
		printf(", result %ld", (long)out.rax);
	printf("\n");
}

int main(void)
{
	struct timespec delay = {0, 200000};
	uint32_t word = 0;
	char byte = 'x';
	struct registers in, out;

	test_start();
	MUST(pipe(pipe_fds));
	const struct call calls[] = {
		{"getuid", SYS_getuid, {0}},
		{"sched_yield with garbage", SYS_sched_yield, {~0ull, ~1ull, ~2ull, ~3ull, ~4ull, ~5ull}},
		{"no such call", 5000, {1, 2, 3, 4, 5, 6}},
		{"EBADF", SYS_close, {~0ull}},
		{"EFAULT", SYS_read, {0, 8, 0x7fffffff}},
		{"nanosleep", SYS_nanosleep, {(uint64_t)&delay, 0}},
		{"futex", SYS_futex, {(uint64_t)&word, 0, 0, (uint64_t)&delay, 0, 0}},
		{"write", SYS_write, {pipe_fds[1], (uint64_t)&byte, 1}},
		{"read", SYS_read, {pipe_fds[0], (uint64_t)&byte, 1}},
		{"sigprocmask", SYS_rt_sigprocmask, {SIG_BLOCK, 0, 0, 8}},
		{"sched_getaffinity", SYS_sched_getaffinity, {0, 0, 0}},
		{"sched_setaffinity", SYS_sched_setaffinity, {0, 0, 0}},
		{"sigaltstack", SYS_sigaltstack, {0, 0}},
		{"rt_sigtimedwait", SYS_rt_sigtimedwait, {(uint64_t) & (uint64_t){0}, 0, (uint64_t)&delay, 8}},
		{"poll", SYS_poll, {0, 0, 1}},
		{"kill 0", SYS_kill, {getpid(), 0}},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(calls); i++)
		run(&calls[i]);

	/* Page faults: fresh pages, pages copied on write. */
	unsigned wrong = 0;
	uint8_t *fresh = mmap(NULL, 400 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (unsigned i = 0; i < 400; i++) {
		registers_fill(&in, i);
		in.rax = (uint64_t)(fresh + i * 4096);
		in.rbx = 0;
		registers_call(&in, &out, code_load);
		wrong += !registers_equal(&in, &out, "", "fresh page");
	}
	printf("page faults: wrong %u\n", wrong);

	/* Long enough for time slices and interrupts. */
	uint8_t *flag = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child = MUST(fork());
	if (child == 0) {
		sleep_ms(300);
		*flag = 1;
		_exit(0);
	}
	registers_fill(&in, 77);
	in.rax = (uint64_t)flag;
	registers_call(&in, &out, code_spin);
	printf("300 ms of computing: same %d, child %d\n", registers_equal(&in, &out, "rflags", "computing"),
	       wait_child(child));
	return test_done();
}
