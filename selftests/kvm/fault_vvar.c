// SPDX-License-Identifier: GPL-2.0-only
/* A store to the vDSO's data, a read-only mapping without memory of the process behind it (VM_PFNMAP): SIGSEGV, and not lost silently. */
#include "testlib.h"

#include <setjmp.h>

static volatile uint8_t *vvar;
static sigjmp_buf out;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	printf("signal %d code %d addr %d err %llx\n", sig, info->si_code, info->si_addr == vvar,
	       ((ucontext_t *)context)->uc_mcontext.gregs[REG_ERR]);
	siglongjmp(out, 1);
}

static void *find_vvar(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start = 0;
	char line[256];

	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, "[vvar]"))
			start = strtoul(line, NULL, 16);
	if (maps)
		fclose(maps);
	return (void *)start;
}

int main(void)
{
	vvar = find_vvar();
	if (!vvar)
		test_skip("this kernel maps no [vvar]");
	test_start();
	handle(SIGSEGV, on_fault, 0);
	for (int i = 0; i < 3; i++)
		if (!sigsetjmp(out, 1)) {
			*vvar = 1;
			printf("stored\n");
		}
	/* The clock is still right. */
	CHECK(now_ns() > 0);
	return test_done();
}
