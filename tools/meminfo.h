/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel itself uses: the part of /proc/meminfo that an attach can make grow. */
#ifndef DECOUPLE_TOOLS_MEMINFO_H
#define DECOUPLE_TOOLS_MEMINFO_H

namespace decouple::bench
{

/*
 * Slab + KernelStack + PageTables + SecPageTables + VmallocUsed, in KiB. SecPageTables are KVM's (shadow or nested) page tables;
 * VmallocUsed has its memslot metadata. Kernel stacks that lie in vmalloc space are in two of these: the sum errs upwards.
 */
double kernel_memory_kib();

} // namespace decouple::bench

#endif
