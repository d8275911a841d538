// SPDX-License-Identifier: GPL-2.0-only
/* Accesses that may fault; see access.h. */
#include "access.h"

extern char access_load[], access_store[], access_end[];
uint32_t access_run(enum access_kind kind, volatile void *address, uint32_t value);

/* One function, so that the handler knows each instruction that may fault and where to go on. */
asm(".text\n"
    ".globl access_run, access_load, access_store, access_end\n"
    ".type access_run, @function\n"
    "access_run:\n"
    "	mov %edx, %eax\n"
    "	test %edi, %edi\n"
    "	jnz access_store\n"
    "access_load:\n"
    "	mov (%rsi), %eax\n"
    "	ret\n"
    "access_store:\n"
    "	mov %edx, (%rsi)\n"
    "access_end:\n"
    "	ret\n"
    ".size access_run, . - access_run\n");

static volatile uint8_t *expected;
static char *instruction;
static volatile sig_atomic_t faults;
static char report[160];

static void on_fault(int sig, siginfo_t *info, void *context)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;

	faults++;
	/* Of SIGBUS Linux tells no CR2 worth comparing but that of the fault itself: the same. */
	snprintf(report, sizeof(report), "signal %d code %d addr %d trap %lld err %llx cr2 %d rip %d", sig, info->si_code,
		 info->si_addr == expected, gregs[REG_TRAPNO], gregs[REG_ERR], (volatile uint8_t *)gregs[REG_CR2] == expected,
		 gregs[REG_RIP] == (greg_t)instruction);
	if (gregs[REG_RIP] != (greg_t)instruction)
		_exit(3);
	gregs[REG_RIP] = (greg_t)access_end;
}

void access_install(void)
{
	handle(SIGSEGV, on_fault, 0);
	handle(SIGBUS, on_fault, 0);
}

bool access_try(const char *what, enum access_kind kind, volatile void *address, uint32_t value)
{
	int before = faults;
	uint32_t result;

	expected = address;
	instruction = kind == ACCESS_LOAD ? access_load : access_store;
	result = access_run(kind, address, value);
	if (faults != before) {
		printf("%s: %s\n", what, report);
		return false;
	}
	if (kind == ACCESS_LOAD)
		printf("%s: %x\n", what, result);
	else
		printf("%s: done\n", what);
	return true;
}
