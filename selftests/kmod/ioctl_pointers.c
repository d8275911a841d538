// SPDX-License-Identifier: GPL-2.0-only
/* A bad pointer gives EFAULT in every call: not mapped, not readable, not writable, half mapped, the kernel's, not canonical. */
#include "calls.h"

int main(void)
{
	int fd = open_device();
	char *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(pages != MAP_FAILED);
	MUST(mprotect(pages + 4096, 4096, PROT_NONE));
	MUST(mprotect(pages + 2 * 4096, 4096, PROT_READ));
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		const struct call *call = &calls[i];
		size_t size = _IOC_SIZE(call->cmd);
		void *bad[] = {
			NULL,
			(void *)1,
			pages + 4096,
			pages + 4096 - 1,
			pages + 4096 - size + 1,
			(void *)0x00007ffffffff000,
			(void *)0x00007fffffffffff,
			(void *)0x0000800000000000,
			(void *)0xffff800000000000,
			(void *)0xffffffff81000000,
			(void *)0xfffffffffffff000,
			(void *)-1,
		};

		if (size == 0)
			continue;
		REQUIRE(size > 1 && size <= 4096);
		memset(pages, 0, 4096);
		for (size_t k = 0; k < ARRAY_SIZE(bad); k++)
			expect_error(call->name, call->cmd, error_of(fd, call->cmd, bad[k]), EFAULT);
	}
	expect_error("version to be written to a read-only page", DECOUPLE_GET_VERSION,
		     error_of(fd, DECOUPLE_GET_VERSION, pages + 2 * 4096), EFAULT);
	/* Unaligned, up to the last mapped byte. */
	expect_error("version at the end of a page", DECOUPLE_GET_VERSION,
		     error_of(fd, DECOUPLE_GET_VERSION, pages + 4096 - sizeof(struct decouple_version)), 0);
	memset(pages, 0, 4096);
	expect_error("unaligned version", DECOUPLE_GET_VERSION, error_of(fd, DECOUPLE_GET_VERSION, pages + 1), 0);
	printf("%zu calls with bad pointers\n", ARRAY_SIZE(calls));
	return 0;
}
