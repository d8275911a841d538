// SPDX-License-Identifier: GPL-2.0-only
/*
 * A user without capabilities binds what he could trace: his own processes; not another user's, not one that is not dumpable, not one that
 * runs another user's program, not one across a user namespace. Memory that he opened before such a program started is gone.
 */
#include "user.h"

#include <sched.h>

static pid_t target; /* of the next bind */

static void bind_refused(void)
{
	int error = bind_process(target);

	if (error != EACCES && error != EPERM) {
		printf("%s instead of a refusal\n", errno_name(error));
		exit(1);
	}
}

static void bind_allowed(void)
{
	expect_error("a process of one's own", DECOUPLE_BIND, bind_process(target), 0);
}

static void end_target(void)
{
	MUST(kill(target, SIGKILL));
	REQUIRE(wait_child(target) == 128 + SIGKILL);
}

static void own(void)
{
	become(SOMEBODY);
}

static void others(void)
{
	become(OTHER);
}

static void roots(void) {}

static void undumpable(void)
{
	become(SOMEBODY);
	MUST(prctl(PR_SET_DUMPABLE, 0));
}

static void write_map(pid_t pid, const char *map)
{
	char path[64], text[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, map);
	fd = (int)MUST(open(path, O_WRONLY));
	MUST(write(fd, text, (size_t)snprintf(text, sizeof(text), "0 %d 1", SOMEBODY)));
	close(fd);
}

/* With the user's ids, in a namespace that root made: nothing but the namespace is in the way. */
static void in_namespace(void)
{
	pid_t self = getpid(), mapper;
	int made[2];
	char byte;

	MUST(pipe(made));
	mapper = (pid_t)MUST(fork());
	if (mapper == 0) {
		close(made[1]);
		REQUIRE(read(made[0], &byte, 1) == 1);
		write_map(self, "uid_map");
		write_map(self, "gid_map");
		_exit(0);
	}
	MUST(setgroups(0, NULL));
	MUST(unshare(CLONE_NEWUSER));
	MUST(write(made[1], "", 1));
	REQUIRE(wait_child(mapper) == 0);
	MUST(setresgid(0, 0, 0));
	MUST(setresuid(0, 0, 0));
	MUST(prctl(PR_SET_DUMPABLE, 1));
}

/* The caller in a namespace of his own, the target outside. */
static void bind_from_namespace(void)
{
	MUST(unshare(CLONE_NEWUSER));
	bind_refused();
}

/* Another user's program, with the set-user-id bit: his own process until then. */
static char program[] = "/tmp/decouple-rights-XXXXXX";

static void make_program(void)
{
	static const char wait[] = "/usr/bin/sleep";
	char buffer[65536];
	int from = (int)MUST(open(wait, O_RDONLY)), to = (int)MUST(mkstemp(program));
	ssize_t n;

	while ((n = MUST(read(from, buffer, sizeof(buffer)))) > 0)
		REQUIRE(write(to, buffer, (size_t)n) == n);
	MUST(fchown(to, OTHER, OTHER));
	MUST(fchmod(to, 04755));
	close(to);
	close(from);
}

static void setuid_program(void)
{
	int go[2], gone, device, memory;
	struct decouple_bind bind = {0};
	pid_t child;
	char path[64], byte;

	MUST(pipe2(go, O_CLOEXEC));
	child = (pid_t)MUST(fork());
	if (child == 0) {
		MUST(prctl(PR_SET_DUMPABLE, 1));
		REQUIRE(read(go[0], &byte, 1) == 1);
		execl(program, program, "1000", NULL);
		_exit(1);
	}
	snprintf(path, sizeof(path), "/proc/%d/mem", child);
	memory = (int)MUST(open(path, O_RDWR | O_CLOEXEC));
	device = open_device();
	expect_error("before it executes the program", DECOUPLE_BIND, bind_process(child), 0);
	MUST(write(go[1], "", 1));
	for (gone = 0; gone < 5000 && bind_process(child) == 0; gone++)
		sleep_ms(1);
	target = child;
	bind_refused();
	bind.mem_fd = memory;
	expect_error("memory from before", DECOUPLE_BIND, error_of(device, DECOUPLE_BIND, &bind), EPERM);
	kill(child, SIGKILL); /* he may: its real user is still he */
	REQUIRE(wait_child(child) == 128 + SIGKILL);
}

static const struct {
	const char *name;
	void (*prepare)(void), (*bind)(void);
} cases[] = {
	{"one's own", own, bind_allowed},
	{"another user's", others, bind_refused},
	{"root's", roots, bind_refused},
	{"not dumpable", undumpable, bind_refused},
	{"in another user namespace", in_namespace, bind_refused},
	{"outside one's user namespace", own, bind_from_namespace},
};

static int test(void)
{
	int bad = 0;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		target = waiting_process(cases[i].prepare);
		if (as(SOMEBODY, cases[i].bind)) {
			printf("%s: wrong\n", cases[i].name);
			bad = 1;
		}
		/* The device is not what was missing. */
		expect_error("by root", DECOUPLE_BIND, bind_process(target), 0);
		end_target();
	}
	make_program();
	if (as(SOMEBODY, setuid_program)) {
		printf("a set-user-id program: wrong\n");
		bad = 1;
	}
	MUST(unlink(program));
	return bad;
}

int main(void)
{
	return with_device(test);
}
