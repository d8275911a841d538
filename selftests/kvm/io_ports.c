// SPDX-License-Identifier: GPL-2.0-only
/* A process that may use I/O ports already when it is decoupled goes on using them: each access is Linux's, natively. */
// modes: compute read
// args: ioperm
// args: iopl
#include "testlib.h"

static volatile sig_atomic_t signals;

static void handler(int sig, siginfo_t *info, void *context)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)sig, (void)info;
	signals++;
	gregs[REG_RIP] += 2; /* as long as these IN and OUT */
}

int main(int argc, char **argv)
{
	bool all = argc > 1 && !strcmp(argv[1], "iopl");
	uint8_t value;

	if (syscall(all ? SYS_iopl : SYS_ioperm, all ? 3 : 0x80, 1, 1))
		test_skip("%s: %s", argc > 1 ? argv[1] : "ioperm", strerror(errno));
	handle(SIGSEGV, handler, 0);
	test_start();
	for (int i = 0; i < 50; i++) {
		__asm__ volatile("outb %%al, $0x80" : : "a"(i)); /* POST codes: harmless */
		busy_ms(1);
	}
	printf("permitted port: %d signals\n", (int)signals);
	__asm__ volatile("inb $0x61, %%al" : "=a"(value));
	printf("another port: %d signals\n", (int)signals);
	return test_done();
}
