// SPDX-License-Identifier: GPL-2.0-only
// part-of: stores
/* Endless stores to a register of edu, without a system call; counts them, in thousands, in the file given as argument. */
#include "pci.h"

int main(int argc, char **argv)
{
	struct pci_function edu = pci_find(PCI_EDU, 0);
	volatile uint64_t *count;
	volatile void *bar;
	int fd;

	CHECK(argc == 2);
	fd = MUST(open(argv[1], O_RDWR | O_CLOEXEC));
	MUST(ftruncate(fd, 4096));
	count = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(count != MAP_FAILED);
	pci_enable(&edu);
	bar = pci_map(&edu, "resource0", EDU_BAR_SIZE, PROT_READ | PROT_WRITE);
	for (;;) {
		for (uint32_t i = 0; i < 1000; i++)
			write32(bar, EDU_LIVENESS, (uint32_t)*count + i);
		if (read32(bar, EDU_LIVENESS) != ~((uint32_t)*count + 999))
			return 1;
		*count += 1;
	}
}
