/* SPDX-License-Identifier: GPL-2.0-only */
/* PCI functions as the tests of direct device access find and map them; by sysfs alone, no driver. */
#ifndef DECOUPLE_SELFTESTS_PCI_H
#define DECOUPLE_SELFTESTS_PCI_H

#include "testlib.h"

enum { PCI_EDU = 0x11e81234, PCI_NVME = 0x00101b36 }; /* device << 16 | vendor, as in the first word of configuration space */

struct pci_function {
	char address[16]; /* 0000:00:03.0 */
	char directory[64]; /* in /sys */
};

/* The function number `index` (from 0) with these ids, in order of address; skips the test where there is none. */
struct pci_function pci_find(uint32_t id, int index);
void pci_write_attribute(const struct pci_function *function, const char *name, const char *text);
/* Switches memory decode on, which nobody else does for a function without driver. */
void pci_enable(const struct pci_function *function);
/* A BAR by its file in sysfs. */
void *pci_map(const struct pci_function *function, const char *file, size_t size, int prot);

/* Registers of edu (QEMU, docs/specs/edu.txt). Below 0x80 accesses must be of 4 bytes. */
enum edu_register {
	EDU_IDENT = 0x00, /* 0x010000ed */
	EDU_LIVENESS = 0x04, /* reads the complement of what was written */
	EDU_FACTORIAL = 0x08,
	EDU_STATUS = 0x20, /* 1: computing; 0x80: interrupt when the factorial is there */
	EDU_IRQ_STATUS = 0x24,
	EDU_IRQ_RAISE = 0x60,
	EDU_IRQ_ACKNOWLEDGE = 0x64,
	EDU_DMA_SOURCE = 0x80,
	EDU_DMA_DESTINATION = 0x88,
	EDU_DMA_COUNT = 0x90,
	EDU_DMA_COMMAND = 0x98, /* 1: start; 2: out of the device; 4: interrupt at the end, with 0x100 in EDU_IRQ_STATUS */
	EDU_DMA_BUFFER = 0x40000, /* address of the buffer of 4 KiB in the device */
};
enum { EDU_IDENTITY = 0x010000ed, EDU_BAR_SIZE = 1 << 20 };

static inline void write32(volatile void *bar, size_t at, uint32_t value)
{
	*(volatile uint32_t *)((volatile char *)bar + at) = value;
}

static inline uint32_t read32(volatile void *bar, size_t at)
{
	return *(volatile uint32_t *)((volatile char *)bar + at);
}

static inline void write64(volatile void *bar, size_t at, uint64_t value)
{
	*(volatile uint64_t *)((volatile char *)bar + at) = value;
}

static inline uint64_t read64(volatile void *bar, size_t at)
{
	return *(volatile uint64_t *)((volatile char *)bar + at);
}

/* n! by the device; it takes some time, and polls of the status register. */
uint32_t edu_factorial(volatile void *bar, uint32_t n);

#endif
