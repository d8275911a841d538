// SPDX-License-Identifier: GPL-2.0-only
/* W^X holds: data, heap and stack do not execute; after RW -> RX -> RW execution faults again; JIT-style code generation works. */
#include "testlib.h"

#include <setjmp.h>

static sigjmp_buf back;
static uint8_t *fault_at;

static void handler(int sig, siginfo_t *info, void *context)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;

	printf("  signal %d code %d addr %d rip %d err %llx\n", sig, info->si_code, info->si_addr == fault_at,
	       (uint8_t *)gregs[REG_RIP] == fault_at, gregs[REG_ERR]);
	siglongjmp(back, 1);
}

typedef int function(void);

static void emit(uint8_t *code, int value)
{
	code[0] = 0xb8; /* mov $value, %eax; ret */
	memcpy(code + 1, &value, 4);
	code[5] = 0xc3;
}

static int call(uint8_t *code)
{
	function *run;

	memcpy(&run, &code, sizeof(run));
	return run();
}

static void execute(const char *what, uint8_t *code)
{
	fault_at = code;
	printf("%s:\n", what);
	if (sigsetjmp(back, 1) == 0)
		printf("  returned %d\n", call(code));
}

static uint8_t in_data[64] = {1};

static uint8_t *map(size_t size, int protection)
{
	return mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

int main(void)
{
	uint8_t on_stack[64], *heap = malloc(64), *page, *big;

	test_start();
	handle(SIGSEGV, handler, 0);
	emit(in_data, 1);
	execute("data", in_data);
	emit(on_stack, 2);
	execute("stack", on_stack);
	emit(heap, 3);
	execute("heap", heap);
	page = map(8192, PROT_READ | PROT_WRITE);
	emit(page, 4);
	execute("RW", page);
	mprotect(page, 4096, PROT_READ | PROT_EXEC);
	execute("RX", page);
	execute("RX, twice", page);
	mprotect(page, 4096, PROT_READ | PROT_WRITE);
	emit(page, 5);
	execute("RW again", page);
	mprotect(page, 4096, PROT_READ | PROT_EXEC);
	execute("RX again", page);
	mprotect(page, 4096, PROT_NONE);
	execute("no access", page);
	mprotect(page, 4096, PROT_READ);
	execute("R", page);
	munmap(page, 4096);
	execute("unmapped", page);
	emit(page + 4096, 6);
	execute("its neighbour, RW", page + 4096);
	execute("null", NULL);

	/* The same inside 2 MiB that may be one huge page: one 4 KiB page of it becomes executable. */
	big = map(4 << 20, PROT_READ | PROT_WRITE);
	uint8_t *huge = (uint8_t *)(((uintptr_t)big + (2 << 20) - 1) & ~((2ul << 20) - 1));
	madvise(huge, 2 << 20, MADV_HUGEPAGE);
	memset(huge, 0x90, 2 << 20);
	emit(huge + 0x10000, 7);
	emit(huge + 0x11000, 8);
	execute("in a huge page, RW", huge + 0x10000);
	mprotect(huge + 0x10000, 4096, PROT_READ | PROT_EXEC);
	execute("in a huge page, RX", huge + 0x10000);
	execute("the page behind it", huge + 0x11000);

	/* A just-in-time compiler. */
	int sum = 0;
	page = map(4096, PROT_READ | PROT_WRITE);
	for (int i = 0; i < 300; i++) {
		mprotect(page, 4096, PROT_READ | PROT_WRITE);
		emit(page, i);
		mprotect(page, 4096, PROT_READ | PROT_EXEC);
		sum += call(page);
	}
	printf("JIT, toggled: %d\n", sum);
	sum = 0;
	page = map(4096, PROT_READ | PROT_WRITE | PROT_EXEC);
	for (int i = 0; i < 3000; i++) {
		emit(page, i);
		sum += call(page);
	}
	printf("JIT, RWX: %d\n", sum);
	sum = 0;
	for (int i = 0; i < 300; i++) {
		page = map(4096, PROT_READ | PROT_WRITE);
		emit(page, i);
		mprotect(page, 4096, PROT_READ | PROT_EXEC);
		sum += call(page);
		munmap(page, 4096);
	}
	printf("JIT, new page each time: %d\n", sum);
	return test_done();
}
