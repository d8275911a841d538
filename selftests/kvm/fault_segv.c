// SPDX-License-Identifier: GPL-2.0-only
/* SIGSEGV and SIGBUS of memory accesses: si_code, si_addr, error code, trap number, RIP; the access succeeds after a repair. */
#include "testlib.h"
#include "registers.h"

static uint8_t *fault_address, *reserved, *file_page;
static volatile sig_atomic_t calls;

static void handler(int sig, siginfo_t *info, void *context)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;

	calls++;
	printf("  signal %d code %d addr %d trap %lld err %llx cr2 %d rip %d\n", sig, info->si_code,
	       info->si_addr == fault_address, gregs[REG_TRAPNO], gregs[REG_ERR], (uint8_t *)gregs[REG_CR2] == fault_address,
	       gregs[REG_RIP] == (greg_t)code_load);
	gregs[REG_RIP] = (greg_t)code_load_end;
}

static void load(const char *what, void *address)
{
	struct registers in, out;

	printf("%s\n", what);
	registers_fill(&in, 5);
	in.rax = (uint64_t)address;
	fault_address = address;
	registers_call(&in, &out, code_load);
	registers_equal(&in, &out, "", what);
}

static volatile sig_atomic_t repairs;

static void repair(int sig, siginfo_t *info, void *context)
{
	uint8_t *page = (uint8_t *)((uintptr_t)info->si_addr & ~4095ul);

	(void)context;
	repairs++;
	if (sig == SIGBUS || page < reserved || page >= reserved + 64 * 4096)
		_exit(3);
	mprotect(page, 4096, PROT_READ | PROT_WRITE);
}

int main(void)
{
	test_start();
	handle(SIGSEGV, handler, 0);
	handle(SIGBUS, handler, 0);
	reserved = mmap(NULL, 64 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	FILE *file = tmpfile();
	CHECK(file && ftruncate(fileno(file), 100) == 0);
	file_page = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);

	load("null", NULL);
	load("low", (void *)0x1000);
	load("not mapped", (void *)0x10000000000);
	load("no access", reserved + 5000);
	munmap(reserved + 4096, 4096);
	load("unmapped", reserved + 5000);
	load("behind the end of the file", file_page + 4096);
	CHECK(ftruncate(fileno(file), 0) == 0);
	load("file truncated", file_page + 8);
	load("kernel half", (void *)0xffffffff81000000);
	load("the last page", (void *)0xfffffffffffff000);
	load("the first kernel page", (void *)0xffff800000000000);
	load("the last user page", (void *)0x7ffffffff000);
	printf("not canonical\n");
	fault_address = NULL;
	struct registers in = {.rax = 0x8000000000000000, .rflags = 0x202}, out;
	registers_call(&in, &out, code_load);
	in.rax = 0x800000000000;
	registers_call(&in, &out, code_load);
	printf("calls %d\n", (int)calls);

	/* Once more with a handler that makes the page accessible: the instruction is done again. */
	reserved = mmap(NULL, 64 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	handle(SIGSEGV, repair, 0);
	for (int i = 0; i < 64; i++)
		reserved[i * 4096 + i] = i + 1;
	int sum = 0;
	for (int i = 0; i < 64; i++)
		sum += reserved[i * 4096 + i];
	printf("repairs %d sum %d\n", (int)repairs, sum);
	return test_done();
}
