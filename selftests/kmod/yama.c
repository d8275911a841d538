// SPDX-License-Identifier: GPL-2.0-only
/* With Yama's ptrace_scope 1 a user binds his descendants, and those who named him; with 2 nobody without the capability. */
#include "user.h"

#define SCOPE "/proc/sys/kernel/yama/ptrace_scope"

static pid_t sibling;

static void set_scope(char scope)
{
	int fd = (int)MUST(open(SCOPE, O_WRONLY));

	MUST(write(fd, &scope, 1));
	close(fd);
}

static void as_somebody(void)
{
	if (getuid() != SOMEBODY)
		become(SOMEBODY);
}

static void as_somebody_for_all(void)
{
	as_somebody();
	MUST(prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY));
}

static pid_t start_waiting(bool names_all)
{
	return waiting_process(names_all ? as_somebody_for_all : as_somebody);
}

/* Of a sibling and of a child of one's own. */
static void expect(int of_sibling, int of_child)
{
	pid_t child = start_waiting(false);
	int a = bind_process(sibling), b = bind_process(child), c = bind_process(getpid());

	MUST(kill(child, SIGKILL));
	if (a != of_sibling || b != of_child || c) {
		printf("sibling %s, child %s, self %s\n", errno_name(a), errno_name(b), errno_name(c));
		exit(1);
	}
}

static void all(void)
{
	expect(0, 0);
}

static void descendants(void)
{
	expect(EACCES, 0);
}

static void nobody(void)
{
	expect(EACCES, EACCES);
}

static int with_scope(char scope, bool names_all, void (*what)(void))
{
	int status;

	sibling = start_waiting(names_all);
	set_scope(scope);
	status = as(SOMEBODY, what);
	set_scope('0');
	MUST(kill(sibling, SIGKILL));
	REQUIRE(wait_child(sibling) == 128 + SIGKILL);
	return status;
}

static int test(void)
{
	char before = '0';
	int fd = open(SCOPE, O_RDONLY), bad;

	if (fd < 0)
		test_skip("this kernel has no Yama, or runs without it");
	MUST(read(fd, &before, 1));
	close(fd);
	if (before == '3')
		test_skip("ptrace_scope is 3 here for good");
	bad = with_scope('0', false, all) || with_scope('1', false, descendants) || with_scope('1', true, all) ||
	      with_scope('2', false, nobody);
	set_scope(before);
	printf("ptrace_scope is kept\n");
	return bad;
}

int main(void)
{
	return with_device(test);
}
