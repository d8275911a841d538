// SPDX-License-Identifier: GPL-2.0-only
/*
 * Core grants: who has no capability may use what root has granted to his user or group, and nothing else; only root grants, and what is no
 * grant is refused and changes nothing.
 */
#include "user.h"

#include <linux/capability.h>

static void set(struct decouple_cores *c, int core)
{
	c->cores[core / 64] |= 1ull << core % 64;
}

static int use_error(int device, int core, int another)
{
	struct decouple_cores c = {0};

	set(&c, core);
	set(&c, another);
	return error_of(device, DECOUPLE_USE_CORES, &c);
}

static __u64 granted(int device)
{
	struct decouple_cores c = {0};

	MUST(ioctl(device, DECOUPLE_GET_CORES, &c));
	return c.cores[0];
}

static int bound_device(void)
{
	struct decouple_bind bind = {.mem_fd = (int)MUST(open("/proc/self/mem", O_RDWR | O_CLOEXEC))};
	int device = open_device();

	MUST(ioctl(device, DECOUPLE_BIND, &bind));
	close(bind.mem_fd);
	return device;
}

static void nothing_granted(void)
{
	int device = bound_device();

	REQUIRE(granted(device) == 0);
	REQUIRE(use_error(device, 0, 0) == EPERM);
	REQUIRE(use_error(device, 1, 1) == EPERM);
	/* Nor may he grant, whatever he tries. */
	REQUIRE(write_error("cores", "54321:0-1\n") == EACCES);
	REQUIRE(write_error("recouple", "1\n") == EACCES);
	REQUIRE(granted(device) == 0);
}

static void core_1_granted(void)
{
	int device = bound_device();

	REQUIRE(granted(device) == 2);
	REQUIRE(use_error(device, 1, 1) == 0);
	REQUIRE(use_error(device, 0, 0) == EPERM);
	REQUIRE(use_error(device, 0, 1) == EPERM);
	REQUIRE(use_error(device, 1, 1) == 0);
}

static void both_granted(void)
{
	int device = bound_device();

	REQUIRE(granted(device) == 3);
	REQUIRE(use_error(device, 0, 1) == 0);
}

static void expect_list(const char *expected)
{
	char text[8192] = "";
	int fd = (int)MUST(open(DECOUPLE_SYSFS "/cores", O_RDONLY));

	MUST(read(fd, text, sizeof(text) - 1));
	close(fd);
	if (strcmp(text, expected)) {
		printf("grants \"%s\" instead of \"%s\"\n", text, expected);
		exit(1);
	}
}

static void refuse_texts(void)
{
	static const char *const texts[] = {
		"\n",
		":",
		"1",
		"1000",
		"1000:0\n1001:0",
		"1000:99999",
		"1000:4294967295",
		":0",
		"@:0",
		"@@1:0",
		"x:0",
		"1000:x",
		"1000:0 x",
		"-1:0",
		"+1000:0",
		" 1000:0",
		"1000 :0",
		"4294967295:0",
		"@4294967295:0",
		"4294967296:0",
		"1000:1-0",
		"1000:0::",
		"1000:-1",
		"1000:0-",
		"alice:0",
		"1000:\n\n",
		"99999999999999999999:0",
	};
	char large[4096];

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		int error = write_error("cores", texts[i]);

		if (error != EINVAL) {
			printf("\"%s\": %s instead of EINVAL\n", texts[i], errno_name(error));
			exit(1);
		}
	}
	memset(large, '1', sizeof(large));
	large[sizeof(large) - 1] = 0;
	REQUIRE(write_error("cores", large) == EINVAL);
	expect_list("");
}

/* What was granted can always be read whole. */
static void full(void)
{
	char text[64];
	struct stat info;
	int granted = 0, error = 0;

	while (granted < 10000 && !error) {
		snprintf(text, sizeof(text), "%d:0", 1000000 + granted);
		error = write_error("cores", text);
		granted += !error;
	}
	REQUIRE(error == ENOSPC && granted > 300);
	MUST(stat(DECOUPLE_SYSFS "/cores", &info));
	REQUIRE((info.st_mode & 07777) == 0644 && info.st_uid == 0);
	while (granted--) {
		snprintf(text, sizeof(text), "%d:", 1000000 + granted);
		REQUIRE(write_error("cores", text) == 0);
	}
	expect_list("");
}

/* Root in a container: the file's mode is on his side, and nothing else. */
static void root_without_capabilities(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[2] = {0};
	pid_t child = (pid_t)MUST(fork());

	if (child == 0) {
		int device = bound_device();

		MUST(syscall(SYS_capset, &header, none));
		REQUIRE(write_error("cores", "0:0") == EPERM);
		REQUIRE(write_error("recouple", "1") == EPERM);
		REQUIRE(granted(device) == 0);
		REQUIRE(use_error(device, 0, 0) == EPERM);
		_exit(0);
	}
	REQUIRE(wait_child(child) == 0);
}

static int test(void)
{
	struct decouple_cores none = {0}, absent = {0};
	int device = bound_device();

	expect_list("");
	REQUIRE(as(SOMEBODY, nothing_granted) == 0);
	REQUIRE(write_error("cores", "54321:1\n") == 0);
	expect_list("54321:1\n");
	REQUIRE(as(SOMEBODY, core_1_granted) == 0);
	REQUIRE(as(OTHER, nothing_granted) == 0);
	REQUIRE(write_error("cores", "@12345:0") == 0);
	expect_list("54321:1\n@12345:0\n");
	REQUIRE(as(SOMEBODY, both_granted) == 0);
	REQUIRE(write_error("cores", "54321:\n") == 0);
	REQUIRE(write_error("cores", "@12345:1\n") == 0);
	expect_list("@12345:1\n");
	REQUIRE(as(SOMEBODY, core_1_granted) == 0);
	REQUIRE(as(OTHER, core_1_granted) == 0);
	/* A number of a user is no number of a group. */
	REQUIRE(write_error("cores", "@12345:") == 0);
	REQUIRE(write_error("cores", "12345:0-1") == 0);
	REQUIRE(write_error("cores", "@54322:0-1") == 0);
	REQUIRE(as(SOMEBODY, nothing_granted) == 0);
	REQUIRE(write_error("cores", "12345:") == 0);
	REQUIRE(write_error("cores", "@54322:") == 0);
	REQUIRE(write_error("cores", "4711:") == 0); /* nothing to take back */
	refuse_texts();
	full();
	root_without_capabilities();

	REQUIRE((granted(device) & 3) == 3);
	REQUIRE(use_error(device, 0, 1) == 0);
	REQUIRE(error_of(device, DECOUPLE_USE_CORES, &none) == EINVAL);
	set(&absent, DECOUPLE_CORES_MAX - 1);
	set(&absent, 0);
	REQUIRE(error_of(device, DECOUPLE_USE_CORES, &absent) == EINVAL);
	REQUIRE(use_error(open_device(), 0, 0) == ENXIO);
	printf("cores are used by whom they are granted to\n");
	return 0;
}

int main(void)
{
	return with_device(test);
}
