// SPDX-License-Identifier: GPL-2.0-only
/*
 * DECOUPLE_WHY: who may read what, each error of the calls and of read(2), and what is probed only while somebody reads. Records themselves:
 * why.sh.
 */
#include "user.h"

#include <decouple/why.h>

static int why_error(int fd, __u32 flags)
{
	struct decouple_why why = {.flags = flags};

	return error_of(fd, DECOUPLE_WHY, &why);
}

static int read_error(int fd, size_t size)
{
	static struct decouple_disturbance records[4];

	return read(fd, records, size) < 0 ? errno : 0;
}

static int open_bound(pid_t pid)
{
	struct decouple_bind bind = {0};
	char path[64];
	int fd = open_device();

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	bind.mem_fd = (int)MUST(open(path, O_RDWR | O_CLOEXEC));
	MUST(ioctl(fd, DECOUPLE_BIND, &bind));
	close(bind.mem_fd);
	return fd;
}

static struct decouple_why_counts counts_of(int fd)
{
	struct decouple_why_counts counts = {0};

	MUST(ioctl(fd, DECOUPLE_WHY_COUNTS, &counts));
	return counts;
}

static void unprivileged(void)
{
	int fd = open_device();

	REQUIRE(why_error(fd, DECOUPLE_WHY_ALL) == EPERM);
	REQUIRE(why_error(fd, 0) == ENXIO);
	REQUIRE(read_error(fd, sizeof(struct decouple_disturbance)) == ENXIO);
	close(fd);
	/* His own process, and nobody else's: the descriptor decides. */
	fd = open_bound(getpid());
	REQUIRE(why_error(fd, DECOUPLE_WHY_ALL) == EPERM);
	REQUIRE(why_error(fd, 0) == 0);
	REQUIRE(read_error(fd, sizeof(struct decouple_disturbance)) == EAGAIN);
	close(fd);
	REQUIRE(bind_process(getppid()) != 0);
}

static int body(void)
{
	struct decouple_why_counts counts = {0};
	int fd = open_device(), other;

	for (int bit = 1; bit < 32; bit++)
		REQUIRE(why_error(fd, 1u << bit) == EINVAL);
	REQUIRE(why_error(fd, 0) == ENXIO);
	REQUIRE(error_of(fd, DECOUPLE_WHY_COUNTS, &counts) == ENXIO);
	REQUIRE(read_error(fd, sizeof(struct decouple_disturbance)) == ENXIO);
	REQUIRE(why_error(fd, DECOUPLE_WHY_ALL) == 0);
	REQUIRE(why_error(fd, DECOUPLE_WHY_ALL) == EBUSY);
	REQUIRE(read_error(fd, sizeof(struct decouple_disturbance) - 1) == EINVAL);
	REQUIRE(read_error(fd, 0) == EINVAL);
	REQUIRE(read_error(fd, sizeof(struct decouple_disturbance)) == EAGAIN);
	REQUIRE(read_error(fd, 4 * sizeof(struct decouple_disturbance)) == EAGAIN);
	counts = counts_of(fd);
	REQUIRE(counts.probes >= 20 && counts.probes <= 64);
	REQUIRE(counts.lost == 0 && counts.self_initiated == 0 && counts.self_initiated_ns == 0);
	for (size_t i = 0; i < ARRAY_SIZE(counts.reserved); i++)
		REQUIRE(counts.reserved[i] == 0);

	/* A second reader, bound first, and the first one gone. */
	other = open_bound(getpid());
	REQUIRE(why_error(other, 0) == 0);
	REQUIRE(counts_of(other).probes == counts.probes);
	close(fd);
	REQUIRE(counts_of(other).probes == counts.probes);
	REQUIRE(read_error(other, sizeof(struct decouple_disturbance)) == EAGAIN);
	close(other);

	REQUIRE(as(SOMEBODY, unprivileged) == 0);
	printf("%u probes while somebody reads, tells %#x\n", counts.probes, counts.tells);
	return 0;
}

int main(void)
{
	return with_device(body);
}
