// SPDX-License-Identifier: GPL-2.0-only
// timeout: 120
/*
 * /sys/kernel/decouple under random opens, reads, writes and what else a file takes, by nobody and by root without capabilities, while a process
 * is decoupled: nothing that they write is taken, and the process stays decoupled. usage: sysfs_fuzz [OPERATIONS]; SOAK=1, SEED
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "decouple/uapi.h"
#include "fuzz.h"

#define DIRECTORY "/sys/kernel/decouple"
#define FILES 32
#define ROUND 2000 /* operations */
#define TEXT 5000 /* more than a page */

static char files[FILES][128], text[TEXT];
static unsigned file_count;
static pid_t target;

static void wrong(const char *what, const char *where)
{
	printf("%s: %s, errno %d\n", where, what, errno);
	fflush(stdout);
	_exit(ANSWER_WRONG);
}

static void list(const char *directory)
{
	struct dirent *entry;
	DIR *dir = opendir(directory);

	while (dir && (entry = readdir(dir))) {
		char path[sizeof(files[0])];
		struct stat info;

		if (*entry->d_name == '.' ||
		    snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name) >= (int)sizeof(path))
			continue;
		if (!stat(path, &info) && S_ISDIR(info.st_mode))
			list(path);
		else if (file_count < FILES)
			strcpy(files[file_count++], path);
	}
	if (dir)
		closedir(dir);
}

/* Sense, near sense, and noise. */
static size_t compose(void)
{
	static const char *const forms[] = {"%u\n",   "%u",      "-%u", " %u ",        "0x%x",    "0%o",
					    "%u:0-3", "@%u:1\n", "%u:", "@%u:0-99999", "%u:1,,2", ":%u"};
	size_t size = below(16) ? below(64) : below(TEXT);

	if (below(3)) {
		unsigned number = below(3) ? (unsigned)(random64() >> below(64)) : (unsigned)target;

		return (size_t)snprintf(text, sizeof(text), forms[below(sizeof(forms) / sizeof(forms[0]))], number);
	}
	for (size_t i = 0; i < size; i++)
		text[i] = (char)random64();
	return size;
}

static void one_operation(int fd, const char *path)
{
	size_t size;

	switch (below(8)) {
	case 0:
	case 1:
	case 2:
		size = compose();
		if (write(fd, text, size) > 0)
			wrong("what it was given is taken", path);
		return;
	case 3:
		size = compose();
		if (pwrite(fd, text, size, (off_t)(random64() >> below(64))) > 0)
			wrong("what it was given at an offset is taken", path);
		return;
	case 4:
		if (read(fd, text, below(TEXT)) > 4096)
			wrong("more than a page to read", path);
		return;
	case 5:
		(void)!pread(fd, (void *)hostile_address(), below(TEXT), (off_t)(random64() >> below(64)));
		return;
	case 6:
		(void)!ftruncate(fd, (off_t)below(8192));
		lseek(fd, (off_t)(random64() >> below(64)), (int)below(6));
		ioctl(fd, (unsigned long)random64(), hostile_address());
		return;
	default:
		poll(&(struct pollfd){.fd = fd, .events = (short)random64()}, 1, 0);
		if (mmap(NULL, 4096, PROT_READ | (below(2) ? PROT_WRITE : 0), below(2) ? MAP_SHARED : MAP_PRIVATE, fd, 0) !=
		    MAP_FAILED)
			wrong("it can be mapped", path);
		return;
	}
}

static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}};

	if (syscall(SYS_capset, &header, none))
		wrong("capabilities can't be dropped", "capset");
}

static void fuzz(volatile uint64_t *operations)
{
	if (below(2))
		become_nobody();
	else
		drop_capabilities();
	for (unsigned i = 0; i < ROUND;) {
		const char *path = files[below(file_count)];
		int fd = open(path, (int)(random64() & (O_ACCMODE | O_TRUNC | O_APPEND | O_NONBLOCK | O_DIRECT)) | O_CLOEXEC);

		++*operations, i++;
		for (unsigned more = fd < 0 ? 0 : (unsigned)below(8); more; more--, i++, ++*operations)
			one_operation(fd, path);
		if (fd >= 0)
			close(fd);
	}
}

static bool decoupled(void)
{
	char path[64];

	snprintf(path, sizeof(path), DIRECTORY "/%d/state", target);
	return !access(path, R_OK) && !kill(target, 0);
}

static int start_target(void)
{
	const char *program = getenv("DECOUPLE");
	char command[256];

	target = fork();
	if (!target)
		for (;;)
			;
	snprintf(command, sizeof(command), "%s --reflector module --cores 1 %d >/dev/null",
		 program ? program : "build/decouple", target);
	return system(command);
}

int main(int argc, char **argv)
{
	int result = 1;

	if (access(DECOUPLE_DEVICE, F_OK)) {
		printf("no %s: the module is not loaded\n", DECOUPLE_DEVICE);
		return 4;
	}
	if (start_target() || !decoupled()) {
		printf("no decoupled process\n");
	} else {
		list(DIRECTORY);
		result = run_rounds(operations_of(argc, argv, 40000, 1000000), fuzz, 60);
		if (!decoupled()) {
			printf("the process is no longer decoupled\n");
			result = 1;
		}
	}
	kill(target, SIGKILL);
	return result;
}
