// SPDX-License-Identifier: GPL-2.0-only
// timeout: 60
// mmio-exits: none
/*
 * A BAR by VFIO, opened before and after the thread is decoupled. With memory decode off the mapping is zapped, and each access is SIGBUS as
 * natively; on again, the next access brings it back, touched before or not.
 */
#include "access.h"
#include "vfio.h"

static void cycles(const struct vfio *vfio, volatile void *bar, const char *what)
{
	uint32_t wrong = 0;

	for (uint32_t i = 1; i <= 100; i++) {
		vfio_memory(vfio, false);
		vfio_memory(vfio, true);
		write32(bar, EDU_LIVENESS, i);
		wrong += read32(bar, EDU_LIVENESS) != ~i;
	}
	printf("%s: zapped and back a hundred times, wrong %u\n", what, wrong);
}

int main(void)
{
	struct pci_function edu = pci_find(PCI_EDU, 1);
	struct vfio vfio = vfio_open(&edu);
	char *early = vfio_map_bar(&vfio, 0, EDU_BAR_SIZE, PROT_READ | PROT_WRITE), *late, *writable;

	test_start();
	access_install();
	printf("early: ident %x, 10! = %u\n", read32(early, EDU_IDENT), edu_factorial(early, 10));
	late = vfio_map_bar(&vfio, 0, EDU_BAR_SIZE, PROT_READ | PROT_WRITE);
	printf("late: ident %x, 12! = %u\n", read32(late, EDU_IDENT), edu_factorial(late, 12));
	writable = vfio_map_bar(&vfio, 0, 4096, PROT_WRITE);
	for (uint32_t i = 0; i < 100000; i++)
		write32(writable, EDU_LIVENESS, i);
	printf("write-only: arrived %x\n", read32(late, EDU_LIVENESS));

	cycles(&vfio, early, "early");
	cycles(&vfio, late, "late");
	vfio_memory(&vfio, false);
	access_try("load, decode off", ACCESS_LOAD, late + EDU_IDENT, 0);
	access_try("store, decode off", ACCESS_STORE, late + EDU_LIVENESS, 1);
	access_try("store, decode off, write-only", ACCESS_STORE, writable + EDU_LIVENESS, 1);
	access_try("store, decode off, not touched before", ACCESS_STORE, late + 0x3000, 1);
	munmap(late, EDU_BAR_SIZE);
	late = vfio_map_bar(&vfio, 0, EDU_BAR_SIZE, PROT_READ | PROT_WRITE);
	access_try("load, decode off, mapped just now", ACCESS_LOAD, late + EDU_IDENT, 0);
	vfio_memory(&vfio, true);
	access_try("load, decode on", ACCESS_LOAD, late + EDU_IDENT, 0);
	access_try("store, decode on, write-only", ACCESS_STORE, writable + EDU_LIVENESS, 7);
	access_try("load, decode on", ACCESS_LOAD, early + EDU_LIVENESS, 0);
	/* The device goes before its mappings; those keep it open. */
	close(vfio.device);
	access_try("load, closed", ACCESS_LOAD, early + EDU_IDENT, 0);
	munmap(early, EDU_BAR_SIZE);
	access_try("load, unmapped", ACCESS_LOAD, early + EDU_IDENT, 0);
	return test_done();
}
