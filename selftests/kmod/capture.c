// SPDX-License-Identifier: GPL-2.0-only
/* Captures a thread that computes, with all registers known, and lets it go again: nothing changes. usage: capture [CAPTURES] */
#define _GNU_SOURCE
#include "gate_client.h"

static volatile int tid, stop;
static volatile uint64_t wrong, rounds;

/* Every general register but RSP holds a value of its own; vector registers too. Counts what differs. */
static void *compute(void *unused)
{
	(void)unused;
	tid = gettid();
	while (!stop) {
		uint64_t bad = 0;

		__asm__ volatile(
			"push %%rbp\n\tpush %%rbx\n\t"
			"movq %0, %%xmm15\n\t"
			"mov $1, %%rax; mov $2, %%rcx; mov $3, %%rdx; mov $4, %%rbx; mov $5, %%rbp\n\t"
			"mov $6, %%rsi; mov $7, %%rdi; mov $8, %%r8; mov $9, %%r9; mov $10, %%r10; mov $11, %%r11\n\t"
			"mov $12, %%r12; mov $13, %%r13; mov $14, %%r14\n\t"
			"mov $20000, %%r15\n\tmovq %%rax, %%xmm0; movq %%r14, %%xmm7\n\tstd\n\t"
			"1: dec %%r15\n\tjnz 1b\n\t"
			"pushfq\n\tcld\n\ttestq $0x400, (%%rsp)\n\tlea 8(%%rsp), %%rsp\n\tsetz %%r15b\n\tmovzbq %%r15b, "
			"%%r15\n\t"
			"sub $1, %%rax; sub $2, %%rcx; sub $3, %%rdx; sub $4, %%rbx; sub $5, %%rbp; sub $6, %%rsi\n\t"
			"sub $7, %%rdi; sub $8, %%r8; sub $9, %%r9; sub $10, %%r10; sub $11, %%r11; sub $12, %%r12\n\t"
			"sub $13, %%r13; sub $14, %%r14\n\t"
			"or %%rcx, %%rax; or %%rdx, %%rax; or %%rbx, %%rax; or %%rbp, %%rax; or %%rsi, %%rax; or %%rdi, "
			"%%rax\n\t"
			"or %%r8, %%rax; or %%r9, %%rax; or %%r10, %%rax; or %%r11, %%rax; or %%r12, %%rax; or %%r13, %%rax\n\t"
			"or %%r14, %%rax; or %%r15, %%rax\n\t"
			"movq %%xmm7, %%rcx; sub $14, %%rcx; or %%rcx, %%rax; movq %%xmm0, %%rcx; dec %%rcx; or %%rcx, "
			"%%rax\n\t"
			"pop %%rbx\n\tpop %%rbp\n\t"
			: "=a"(bad)
			: "0"(bad)
			: "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm7",
			  "xmm15", "memory", "cc");
		wrong += bad != 0;
		rounds++;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	uint64_t captures = argc > 1 ? strtoull(argv[1], NULL, 0) : 1000;
	pthread_t thread;

	gate_open();
	pthread_create(&thread, NULL, compute, NULL);
	while (!tid)
		sched_yield();
	gate_session(1, tid);
	gate_calls[1] = 3;
	for (uint64_t i = 0; i < captures; i++) {
		/* In vain while the thread has not left the gate yet. */
		do
			CHECK(gate_call(DECOUPLE_GATE_CAPTURE, 1, 0) == 0);
		while (!gate_captured(1, i, 1));
	}
	CHECK(gate_results[1] == (uint64_t)getpid());
	stop = 1;
	pthread_join(thread, NULL);
	CHECK(gate_call(DECOUPLE_GATE_REMOVE, 1, 0) == 0);
	printf("%lu captures, %lu rounds, %lu wrong\n", (unsigned long)gate_frame(1)->captures, rounds, wrong);
	return wrong != 0 || gate_frame(1)->captures < captures;
}
