// SPDX-License-Identifier: GPL-2.0-only
/*
 * DECOUPLE_BIND takes the authority that /proc/PID/mem is, and nothing else: other files, other ways to open it, a process that has
 * ended, another user's process. A device is bound once; nothing is done for one that is not bound.
 */
#include "calls.h"

#include <grp.h>
#include <sys/prctl.h>

#define SOMEBODY 54321

static int bind_error(int device, int fd)
{
	struct decouple_bind bind = {.mem_fd = fd};

	return error_of(device, DECOUPLE_BIND, &bind);
}

static void refuse(const char *what, const char *path, int flags)
{
	int device = open_device(), fd = open(path, flags);

	if (fd < 0) {
		printf("%s: open %s: %s\n", what, path, strerror(errno));
		exit(1);
	}
	expect_error(what, DECOUPLE_BIND, bind_error(device, fd), EPERM);
	close(fd);
	close(device);
}

static void unbound(int device)
{
	struct decouple_map map = {.image = 0x700000000000, .image_size = 4096};
	struct decouple_start start = {.tid = getpid()};

	REQUIRE(error_of(device, DECOUPLE_MAP, &map) == ENXIO);
	REQUIRE(error_of(device, DECOUPLE_START, &start) == ENXIO);
	REQUIRE(error_of(device, DECOUPLE_POKE, NULL) == ENXIO);
}

/* Its memory has ended, while the descriptor is still open. */
static void ended_process(void)
{
	int device = open_device(), fd, ready[2];
	char path[64], byte;
	pid_t child;

	MUST(pipe(ready));
	child = (pid_t)MUST(fork());
	if (child == 0) {
		close(ready[1]);
		_exit(read(ready[0], &byte, 1) < 0);
	}
	snprintf(path, sizeof(path), "/proc/%d/mem", child);
	fd = (int)MUST(open(path, O_RDWR));
	close(ready[0]);
	close(ready[1]);
	REQUIRE(wait_child(child) == 0);
	expect_error("the memory of a process that has ended", DECOUPLE_BIND, bind_error(device, fd), EPERM);
	close(fd);
	close(device);
}

/* A device that was handed to somebody else gives him nothing: he can't open the memory of others' processes. */
static void other_user(void)
{
	int device = open_device();
	pid_t parent = getpid(), child = (pid_t)MUST(fork());

	if (child == 0) {
		char path[64];
		int fd;

		MUST(setgroups(0, NULL));
		MUST(setresgid(SOMEBODY, SOMEBODY, SOMEBODY));
		MUST(setresuid(SOMEBODY, SOMEBODY, SOMEBODY));
		snprintf(path, sizeof(path), "/proc/%d/mem", parent);
		REQUIRE(open(path, O_RDWR) == -1 && errno == EACCES);
		/* Not dumpable since the change of user, so that not even his own can be opened; then it can. */
		REQUIRE(open("/proc/self/mem", O_RDWR) == -1 && errno == EACCES);
		MUST(prctl(PR_SET_DUMPABLE, 1));
		fd = (int)MUST(open("/proc/self/mem", O_RDWR));
		expect_error("one's own memory", DECOUPLE_BIND, bind_error(device, fd), 0);
		_exit(0);
	}
	REQUIRE(wait_child(child) == 0);
	close(device);
}

int main(void)
{
	int device = open_device(), mem;

	unbound(device);
	REQUIRE(bind_error(device, -1) == EBADF);
	REQUIRE(bind_error(device, 1000000) == EBADF);
	refuse("memory for reading only", "/proc/self/mem", O_RDONLY);
	refuse("memory for writing only", "/proc/self/mem", O_WRONLY);
	mem = (int)MUST(open("/proc/self/mem", O_PATH));
	REQUIRE(bind_error(device, mem) == EBADF);
	close(mem);
	refuse("another file of /proc", "/proc/self/clear_refs", O_WRONLY);
	refuse("another file of /proc", "/proc/self/comm", O_RDWR);
	refuse("a directory of /proc", "/proc/self", O_RDONLY);
	refuse("a device called mem", "/dev/mem", O_RDWR);
	refuse("a device", "/dev/zero", O_RDWR);
	refuse("the device itself", DECOUPLE_DEVICE, O_RDWR);
	/* Has no memory; newer kernels don't even open it. */
	mem = open("/proc/2/mem", O_RDWR);
	REQUIRE(mem >= 0 ? bind_error(device, mem) == EPERM : errno == ESRCH);
	close(mem);
	ended_process();
	unbound(device);

	mem = (int)MUST(open("/proc/self/mem", O_RDWR));
	expect_error("one's own memory", DECOUPLE_BIND, bind_error(device, mem), 0);
	expect_error("a second time", DECOUPLE_BIND, bind_error(device, mem), EBUSY);
	expect_error("bound, then another file", DECOUPLE_BIND, bind_error(device, 1000000), EBADF);
	close(mem);
	REQUIRE(error_of(device, DECOUPLE_POKE, NULL) == 0);
	if (geteuid() == 0)
		other_user();
	printf("only the memory, opened to be read and written\n");
	return 0;
}
