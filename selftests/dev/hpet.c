// SPDX-License-Identifier: GPL-2.0-only
// mmio-exits: none
/* Registers that a driver of the kernel maps, read-only: the HPET's counter goes on, and can't be written. */
#include "pci.h"
#include "access.h"

#define HPET_CAPABILITIES 0x00
#define HPET_COUNTER 0xf0

int main(void)
{
	int fd = open("/dev/hpet", O_RDONLY | O_CLOEXEC), steps = 0;
	volatile char *hpet;
	uint64_t last = 0;

	if (fd < 0)
		test_skip("/dev/hpet: %s", strerror(errno));
	hpet = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	if (hpet == MAP_FAILED)
		test_skip("/dev/hpet can't be mapped: %s (CONFIG_HPET_MMAP, hpet_mmap=1)", strerror(errno));
	test_start();
	access_install();
	printf("capabilities %lx\n", read64(hpet, HPET_CAPABILITIES) & 0xffff);
	for (int i = 0; i < 100000; i++) {
		uint64_t now = read64(hpet, HPET_COUNTER);

		CHECK(now >= last);
		steps += now > last;
		last = now;
	}
	printf("the counter goes on: %d\n", steps > 1000);
	access_try("store", ACCESS_STORE, hpet + HPET_COUNTER, 0);
	munmap((void *)hpet, 4096);
	access_try("load, unmapped", ACCESS_LOAD, hpet + HPET_COUNTER, 0);
	return test_done();
}
