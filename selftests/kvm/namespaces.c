// SPDX-License-Identifier: GPL-2.0-only
/* unshare and setns while decoupled, also those that need a single-threaded process; the thread is decoupled afterwards. */
// args: all
// args: user
#include "testlib.h"

#include <sched.h>
#include <sys/stat.h>
#include <sys/utsname.h>

static ino_t namespace(const char *name)
{
	char path[64];
	struct stat info;

	snprintf(path, sizeof(path), "/proc/thread-self/ns/%s", name);
	MUST(stat(path, &info));
	return info.st_ino;
}

static void try(const char *what, int flags, const char *name)
{
	ino_t before = namespace(name);
	int result = unshare(flags);
	int error = result ? errno : 0;

	printf("unshare %s: %s", what, errno_name(error));
	printf(", %s\n", namespace(name) != before ? "another one" : "the same");
}

static void settle(void)
{
	if (!test_decoupled_run())
		return;
	for (uint64_t end = now_ns() + 2000 * MS; !decoupled_now() && now_ns() < end;)
		;
	CHECK(decoupled_now());
}

/* A new user namespace takes away the rights on /dev/kvm; the thread stays decoupled all the same. */
static int user_namespace(void)
{
	try("user", CLONE_NEWUSER, "user");
	printf("uid: %d\n", getuid());
	settle();
	return test_done();
}

int main(int argc, char **argv)
{
	struct utsname name;

	test_start();
	if (argc > 1 && !strcmp(argv[1], "user"))
		return user_namespace();
	if (geteuid() != 0)
		test_skip("needs root");
	int uts = MUST(open("/proc/self/ns/uts", O_RDONLY)), mnt = MUST(open("/proc/self/ns/mnt", O_RDONLY));
	ino_t first = namespace("uts");
	try("UTS", CLONE_NEWUTS, "uts");
	MUST(sethostname("test-name", 9));
	uname(&name);
	printf("hostname: %s\n", name.nodename);
	MUST(setns(uts, CLONE_NEWUTS));
	uname(&name);
	printf("setns UTS: back %d %d\n", namespace("uts") == first, strcmp(name.nodename, "test-name") != 0);
	settle();
	try("IPC", CLONE_NEWIPC, "ipc");
	try("FS and mount", CLONE_NEWNS | CLONE_FS, "mnt");
	try("FILES", CLONE_FILES, "mnt");
	settle();
	printf("setns mount: %s\n", setns(mnt, CLONE_NEWNS) ? errno_name(errno) : "ok");
	settle();
	try("THREAD", CLONE_THREAD, "mnt");
	try("SIGHAND", CLONE_SIGHAND, "mnt");
	try("VM", CLONE_VM, "mnt");
	settle();
	try("bad flags", 0x1, "mnt");
	/* Last: from now on Linux lets this process create no threads, ours included. */
	try("PID", CLONE_NEWPID, "pid");
	pid_t child = MUST(fork());
	if (child == 0)
		_exit(getpid());
	printf("pid of the first child: %d\n", wait_child(child));
	settle();
	return test_done();
}
