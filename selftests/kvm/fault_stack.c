// SPDX-License-Identifier: GPL-2.0-only
/* The stack grows as it is used, also by large frames; an overflow is handled on the alternate stack and jumped out of. */
// timeout: 90
#include "testlib.h"

#include <setjmp.h>
#include <sys/resource.h>

static sigjmp_buf back;
static volatile sig_atomic_t overflows;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	overflows++;
	siglongjmp(back, 1);
}

static uint64_t __attribute__((noinline)) small_frames(unsigned depth)
{
	volatile uint64_t here = depth;

	return depth ? small_frames(depth - 1) + here : 0;
}

static uint64_t __attribute__((noinline)) large_frames(unsigned depth)
{
	volatile uint64_t room[5000]; /* skips pages */

	room[0] = depth;
	return depth ? large_frames(depth - 1) + room[0] : 0;
}

static uint64_t __attribute__((noinline)) endless(uint64_t depth)
{
	volatile uint64_t room[100];

	room[0] = depth;
	return depth == UINT64_MAX ? 0 : endless(depth + 1) + room[0];
}

int main(void)
{
	static char alternate[64 * 1024];

	test_start();
	printf("small frames: %llu\n", (unsigned long long)small_frames(60000));
	printf("large frames: %llu\n", (unsigned long long)large_frames(120));
	MUST(sigaltstack(&(stack_t){.ss_sp = alternate, .ss_size = sizeof(alternate)}, NULL));
	handle(SIGSEGV, handler, SA_ONSTACK);
	for (volatile int i = 0; i < 20; i++)
		if (sigsetjmp(back, 1) == 0)
			endless(0);
	printf("overflows: %d\n", (int)overflows);
	printf("small frames again: %llu\n", (unsigned long long)small_frames(60000));
	return test_done();
}
