/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every fixed guest address, selector, vector and port. C, C++ and assembler.
 *
 * The guest has one address space: the process's own user half, mapped one to one, and the stub area in the upper half. The stub
 * area is one memslot. Its pages are supervisor-only, except that the three pages per vCPU that the system call path touches are
 * user-accessible on a KVM that keeps SYSCALL at CPL 3 (PVM).
 */
#ifndef DECOUPLE_LAYOUT_H
#define DECOUPLE_LAYOUT_H

#define DECOUPLE_PAGE_SIZE 0x1000

/* Guest-physical. Below 4 GiB only the stub area and the doorbell exist; process memory is given out from DECOUPLE_GPA_MEMORY up. */
#define DECOUPLE_GPA_STUB 0x00100000 /* first byte of the stub memslot; the PML4 is its first page */
#define DECOUPLE_STUB_SIZE 0x04000000 /* 64 MiB, reserved; pages appear when used */
#define DECOUPLE_GPA_DOORBELL 0xd0000000 /* in no memslot: a page for each vCPU */
#define DECOUPLE_DOORBELL_HOME                                                                                                 \
	0 /* a 32-bit store here wakes the home thread: in the kernel where the module listens, else by an MMIO exit */
#define DECOUPLE_DOORBELL_WAIT 8 /* a store here is an MMIO exit: the vCPU thread waits for the reply */
#define DECOUPLE_GPA_APIC 0xfee00000 /* where every local APIC is after reset */
#define DECOUPLE_APIC_EOI 0xb0 /* its register (SDM 3A table 10-1) */
#define DECOUPLE_GPA_MEMORY 0x100000000 /* windows on the process's memory, each aligned to its size */
#define DECOUPLE_TSS_ADDR 0xfffbd000 /* KVM_SET_TSS_ADDR (VMX without unrestricted guest) */

/* Offsets in the stub area; the same in guest-virtual (from DECOUPLE_STUB_VA) and guest-physical (from DECOUPLE_GPA_STUB). */
#define DECOUPLE_STUB_VA 0xffffff8000000000
#define DECOUPLE_STUB_OFF_PML4 0x0000
#define DECOUPLE_STUB_OFF_IDT 0x1000 /* 256 gates, one page; shared by all vCPUs */
#define DECOUPLE_STUB_OFF_TRAPS 0x2000 /* 256 vector stubs of DECOUPLE_TRAP_STRIDE bytes, then the iretq */
#define DECOUPLE_STUB_OFF_APIC 0x4000 /* guest-virtual only: the vCPU's local APIC, DECOUPLE_GPA_APIC */
#define DECOUPLE_STUB_OFF_TABLES 0x10000 /* page tables, given out upwards until DECOUPLE_STUB_OFF_VCPUS */
#define DECOUPLE_STUB_OFF_VCPUS 0x02000000 /* vCPU blocks */
#define DECOUPLE_STUB_OFF_PROBE 0x08000000 /* guest-virtual only: alias of the first block while the KVM is probed */

#define DECOUPLE_TRAP_STRIDE 16
#define DECOUPLE_TRAP_IRET 0x1000 /* offset of the iretq behind the vector stubs */
#define DECOUPLE_TRAP_WAKE 0x1010 /* offset of the handler of DECOUPLE_VECTOR_WAKE */
#define DECOUPLE_ENTRY_HLT 0x881 /* offset of the hlt in the entry page, in which a vCPU sleeps for a reply */
#define DECOUPLE_VECTOR_WAKE 0xf0 /* ends that sleep; any other time it means nothing */
#define DECOUPLE_GSI_WAKE 24 /* interrupt lines of the vCPUs, by their numbers, from here on: behind those of an I/O APIC */

/* One block per vCPU: offsets from its start. */
#define DECOUPLE_VCPU_STRIDE 0x8000
#define DECOUPLE_VCPU_MAX 1024
#define DECOUPLE_DOORBELL_SIZE (DECOUPLE_VCPU_MAX * DECOUPLE_PAGE_SIZE)
#define DECOUPLE_VCPU_OFF_ENTRY 0x0000 /* copy of the system call entry (LSTAR); user-readable on PVM */
#define DECOUPLE_VCPU_OFF_SLOT 0x1000 /* struct decouple_slot; user-writable on PVM */
#define DECOUPLE_VCPU_OFF_SCRATCH 0x2000 /* stack for popfq on the way out at CPL 3; user-writable on PVM */
#define DECOUPLE_VCPU_OFF_GDT 0x3000 /* GDT */
#define DECOUPLE_VCPU_OFF_TSS 0x3800 /* TSS, same page */
#define DECOUPLE_VCPU_OFF_STACK 0x4000 /* ring-0 stack page: RSP0 and IST1 point to its end */
#define DECOUPLE_VCPU_OFF_DOORBELL 0x5000 /* maps the vCPU's page of DECOUPLE_GPA_DOORBELL; user-writable on PVM */
#define DECOUPLE_VCPU_OFF_EXCHANGE 0x6000 /* two pages, see decouple/exchange.h; not mapped on PVM */
#define DECOUPLE_SCRATCH_TOP 0x800 /* top of the scratch stack in its page */
#define DECOUPLE_START_FRAME 0xf00 /* in the stack page: the iret frame that starts user code */

/* Selectors. User ones equal Linux's (arch/x86/include/asm/segment.h), since signal frames and programs show them. */
#define DECOUPLE_SEL_KCODE 0x10
#define DECOUPLE_SEL_KDATA 0x18
#define DECOUPLE_SEL_UDATA 0x2b
#define DECOUPLE_SEL_UCODE 0x33
#define DECOUPLE_SEL_SYSRET 0x23 /* STAR[63:48]: SYSRETQ gives CS = +16, SS = +8 */
#define DECOUPLE_SEL_TSS 0x40
#define DECOUPLE_GDT_CPUNODE 15 /* LSL of 0x7b: the vDSO's getcpu where RDPID is absent */
#define DECOUPLE_GDT_LIMIT 127

#define DECOUPLE_PORT_TRAP 0xf1 /* OUT from a vector stub: the vector follows from RIP */

#endif
