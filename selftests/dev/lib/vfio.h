/* SPDX-License-Identifier: GPL-2.0-only */
/* A PCI function by VFIO's group interface, as any user-space driver uses it. */
#ifndef DECOUPLE_SELFTESTS_VFIO_H
#define DECOUPLE_SELFTESTS_VFIO_H

#include "pci.h"

#include <linux/vfio.h>

struct vfio {
	int container, group, device;
	off_t config; /* where configuration space is in `device` */
};

/* Binds the function to vfio-pci unless it is, and opens it; skips the test where there is no IOMMU. Memory and bus mastering are on. */
struct vfio vfio_open(const struct pci_function *function);
/* Memory decode off and on, in configuration space. */
void vfio_memory(const struct vfio *vfio, bool on);
void *vfio_map_bar(const struct vfio *vfio, unsigned bar, size_t size, int prot);
/* The device sees `memory` at its own address. */
void vfio_map_dma(const struct vfio *vfio, void *memory, size_t size);
/* The first interrupt of a kind (VFIO_PCI_MSI_IRQ_INDEX ...) comes by this eventfd. */
void vfio_interrupt(const struct vfio *vfio, unsigned index, int eventfd);

#endif
