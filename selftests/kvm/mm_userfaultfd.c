// SPDX-License-Identifier: GPL-2.0-only
/* userfaultfd: faults of the decoupled thread are served by another thread of the process. */
#include "testlib.h"

#include <linux/userfaultfd.h>
#include <sys/ioctl.h>

#define PAGES 64

static int fd;
static uint8_t *area;

static void *server(void *argument)
{
	unsigned *served = argument;
	static uint8_t page[4096] __attribute__((aligned(4096)));
	struct uffd_msg msg;

	while (*served < PAGES) {
		if (read(fd, &msg, sizeof(msg)) != sizeof(msg) || msg.event != UFFD_EVENT_PAGEFAULT)
			break;
		uint64_t address = msg.arg.pagefault.address & ~4095ull;
		memset(page, (int)((address - (uint64_t)area) / 4096 + 1), sizeof(page));
		struct uffdio_copy copy = {.dst = address, .src = (uint64_t)page, .len = sizeof(page)};
		if (ioctl(fd, UFFDIO_COPY, &copy) && errno != EEXIST)
			break;
		++*served;
	}
	return NULL;
}

int main(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	unsigned served = 0, wrong = 0;
	pthread_t thread;

	fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (fd < 0)
		test_skip("userfaultfd: %s", strerror(errno));
	test_start();
	MUST(ioctl(fd, UFFDIO_API, &api));
	area = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register registration = {{(uint64_t)area, PAGES * 4096}, UFFDIO_REGISTER_MODE_MISSING, 0};
	MUST(ioctl(fd, UFFDIO_REGISTER, &registration));
	pthread_create(&thread, NULL, server, &served);
	for (unsigned i = 0; i < PAGES; i++)
		wrong += area[i * 4096 + i] != i + 1;
	pthread_join(thread, NULL);
	printf("served %u, wrong %u\n", served, wrong);
	return test_done();
}
