// SPDX-License-Identifier: GPL-2.0-only
/* The device is for root and its group: nobody else opens it, a member of the group does; sysfs is readable for all. */
#include "calls.h"

#include <grp.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define SOMEBODY 54321
#define GROUP 12345

/* Exit status of a child: the errno of opening the device as SOMEBODY with this group, or of the first call. */
static int open_as(gid_t group)
{
	pid_t child = (pid_t)MUST(fork());

	if (child == 0) {
		struct decouple_version version = {0};
		int fd;

		MUST(setgroups(1, &group));
		MUST(setresgid(SOMEBODY, SOMEBODY, SOMEBODY));
		MUST(setresuid(SOMEBODY, SOMEBODY, SOMEBODY));
		if (access(DECOUPLE_SYSFS "/version", R_OK))
			_exit(255);
		fd = open(DECOUPLE_DEVICE, O_RDWR);
		_exit(fd < 0 || ioctl(fd, DECOUPLE_GET_VERSION, &version) ? errno : 0);
	}
	return wait_child(child);
}

int main(void)
{
	struct stat info;

	close(open_device());
	if (geteuid() != 0)
		test_skip("only root can be somebody else");
	MUST(stat(DECOUPLE_DEVICE, &info));
	REQUIRE(S_ISCHR(info.st_mode) && major(info.st_rdev) == 10);
	REQUIRE((info.st_mode & 07777) == 0660);
	REQUIRE(info.st_uid == 0);
	REQUIRE(open_as(SOMEBODY) == EACCES);

	/* What packaging/99-decouple.rules does. */
	MUST(chown(DECOUPLE_DEVICE, 0, GROUP));
	REQUIRE(open_as(SOMEBODY) == EACCES);
	REQUIRE(open_as(GROUP) == 0);
	MUST(chown(DECOUPLE_DEVICE, 0, info.st_gid));

	MUST(stat(DECOUPLE_SYSFS, &info));
	REQUIRE((info.st_mode & 07777) == 0755 && info.st_uid == 0);
	MUST(stat(DECOUPLE_SYSFS "/version", &info));
	REQUIRE((info.st_mode & 07777) == 0444 && info.st_uid == 0);
	printf("root and the group\n");
	return 0;
}
