// SPDX-License-Identifier: GPL-2.0-only
/* A thread that installs a seccomp filter or strict mode while decoupled gets it, and is obeyed by it. */
// args: filter
// args: tsync
// args: prctl
// args: errors
#include "testlib.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

static int install(const char *how)
{
	/* getppid fails with ENOTNAM, everything else is allowed. */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOTNAM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {ARRAY_SIZE(code), code};

	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	if (!strcmp(how, "prctl"))
		return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, strcmp(how, "tsync") ? 0 : SECCOMP_FILTER_FLAG_TSYNC, &program);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	test_start();
	if (!strcmp(how, "errors")) {
		for (int i = 0; i < 5; i++) {
			printf("bad operation: %s\n", syscall(SYS_seccomp, 99, 0, NULL) < 0 ? errno_name(errno) : "ok");
			printf("bad pointer: %s\n",
			       syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, (void *)8) < 0 ? errno_name(errno) : "ok");
			printf("mode: %d\n", prctl(PR_GET_SECCOMP));
		}
		return test_done();
	}
	printf("before: %d\n", getppid() > 0);
	for (int i = 0; i < 3; i++) {
		printf("install: %d\n", install(how));
		errno = 0;
		long result = syscall(SYS_getppid);
		printf("after: %ld %s, mode %d\n", result, errno_name(errno), prctl(PR_GET_SECCOMP));
	}
	printf("other calls: %d\n", getpgid(0) > 0);
	return test_done_native();
}
