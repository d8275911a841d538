// SPDX-License-Identifier: GPL-2.0-only
/* Strict seccomp mode: write goes on, the first other call kills. */
// end: none
// exit: 137
#include "testlib.h"

#include <linux/seccomp.h>
#include <sys/prctl.h>

int main(void)
{
	test_start();
	printf("entering\n");
	fflush(stdout);
	MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
	for (int i = 0; i < 3; i++)
		CHECK(write(1, "allowed\n", 8) == 8);
	syscall(SYS_getpid);
	CHECK(write(1, "survived\n", 9) == 9);
	return 1;
}
