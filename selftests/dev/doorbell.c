// SPDX-License-Identifier: GPL-2.0-only
// timeout: 60
// mmio-exits: none
/*
 * A device's registers, mapped by sysfs before and after the thread is decoupled: each store arrives, loads read what the device says; and
 * what happens to mappings happens to these: protection, moving, other memory in their place, unmapping.
 */
#include "pci.h"
#include "access.h"

#define PAGE 4096

/* Of these stores each thousandth is read back. */
#define STORES 100000

static void ring(volatile void *bar)
{
	uint32_t wrong = 0;

	for (uint32_t i = 1; i <= STORES; i++) {
		write32(bar, EDU_LIVENESS, i * 2654435761u);
		if (i % 1000 == 0)
			wrong += read32(bar, EDU_LIVENESS) != ~(i * 2654435761u);
	}
	printf("%u stores, wrong %u\n", STORES, wrong);
}

static void use(const char *what, volatile void *bar)
{
	printf("%s: ident %x, 10! = %u, 12! = %u\n", what, read32(bar, EDU_IDENT), edu_factorial(bar, 10),
	       edu_factorial(bar, 12));
	ring(bar);
}

int main(void)
{
	struct pci_function edu = pci_find(PCI_EDU, 0);
	char *early, *late, *readable, *writable, *moved, *room;

	pci_enable(&edu);
	early = pci_map(&edu, "resource0", EDU_BAR_SIZE, PROT_READ | PROT_WRITE);
	test_start();
	access_install();
	use("mapped before", early);
	late = pci_map(&edu, "resource0", EDU_BAR_SIZE, PROT_READ | PROT_WRITE);
	use("mapped after", late);

	writable = pci_map(&edu, "resource0", PAGE, PROT_WRITE);
	access_try("store, write-only", ACCESS_STORE, writable + EDU_LIVENESS, 0x1234);
	printf("arrived: %x\n", read32(late, EDU_LIVENESS));
	for (uint32_t i = 0; i < STORES; i++)
		write32(writable, EDU_LIVENESS, i);
	printf("arrived: %x\n", read32(late, EDU_LIVENESS));
	access_try("load, write-only", ACCESS_LOAD, writable + EDU_LIVENESS, 0);
	readable = pci_map(&edu, "resource0", PAGE, PROT_READ);
	access_try("load, read-only", ACCESS_LOAD, readable + EDU_IDENT, 0);
	access_try("store, read-only", ACCESS_STORE, readable + EDU_LIVENESS, 1);

	/* Protection to and fro, of one page among others that stay. */
	MUST(mprotect(late, PAGE, PROT_NONE));
	access_try("load, no access", ACCESS_LOAD, late + EDU_IDENT, 0);
	access_try("load behind it", ACCESS_LOAD, late + PAGE, 0);
	MUST(mprotect(late, PAGE, PROT_READ));
	access_try("load, readable again", ACCESS_LOAD, late + EDU_IDENT, 0);
	access_try("store, readable only", ACCESS_STORE, late + EDU_LIVENESS, 2);
	MUST(mprotect(late, PAGE, PROT_READ | PROT_WRITE));
	/* Once more: KVM makes the first store behind mprotect itself, in bytes, which edu ignores (docs/limits.md). */
	access_try("store, writable again", ACCESS_STORE, late + EDU_LIVENESS, 3);
	write32(late, EDU_LIVENESS, 3);
	access_try("load of it", ACCESS_LOAD, late + EDU_LIVENESS, 0);

	/* One area again: what was parted stays so with such mappings, and can't be moved as a whole. */
	MUST(munmap(late, EDU_BAR_SIZE));
	late = pci_map(&edu, "resource0", EDU_BAR_SIZE, PROT_READ | PROT_WRITE);
	/* Moved: the registers are at the new address, and nothing is at the old one. */
	room = mmap(NULL, EDU_BAR_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	moved = mremap(late, EDU_BAR_SIZE, EDU_BAR_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, room);
	CHECK(moved == room);
	access_try("store, moved", ACCESS_STORE, moved + EDU_LIVENESS, 4);
	access_try("load, moved", ACCESS_LOAD, moved + EDU_LIVENESS, 0);
	access_try("load where it was", ACCESS_LOAD, late + EDU_LIVENESS, 0);

	/* Memory in their place, and they in the place of memory. */
	CHECK(mmap(moved, PAGE, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == moved);
	access_try("store to memory instead", ACCESS_STORE, moved + EDU_LIVENESS, 5);
	access_try("load from memory instead", ACCESS_LOAD, moved + EDU_LIVENESS, 0);
	printf("the device has still %x\n", read32(early, EDU_LIVENESS));
	CHECK(mremap(writable, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, moved) == moved);
	access_try("store, instead of memory", ACCESS_STORE, moved + EDU_LIVENESS, 6);
	printf("arrived: %x\n", read32(early, EDU_LIVENESS));

	MUST(munmap(moved, PAGE));
	access_try("store, unmapped", ACCESS_STORE, moved + EDU_LIVENESS, 7);
	MUST(munmap(early, EDU_BAR_SIZE));
	access_try("load, unmapped", ACCESS_LOAD, early + EDU_IDENT, 0);
	access_try("store, unmapped", ACCESS_STORE, early + EDU_LIVENESS, 8);
	access_try("load, the read-only one", ACCESS_LOAD, readable + EDU_LIVENESS, 0);
	return test_done();
}
