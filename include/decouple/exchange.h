/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The exchange: two pages of a vCPU's block through which guest-stub hands the application's whole state to the home thread, and takes
 * another, without a VM exit. C, C++ and assembler.
 *
 * Only while a system call is being served, so that the guest waits in the stub: the home thread's reply (slot->reply) asks for it.
 *
 *   SAVE   guest-stub writes all of the application's state here but RIP, RFLAGS, RSP and RAX, which SYSCALL and the slot have, and then
 *          publishes the call once more, with all registers still the application's
 *   LOAD   guest-stub loads all of the state from here, which the home thread has written, and goes to user code
 *
 * At CPL 0 with CR4.FSGSBASE only, and for vCPUs whose XSAVE image fits; the pages are supervisor-only.
 */
#ifndef DECOUPLE_EXCHANGE_H
#define DECOUPLE_EXCHANGE_H

#define DECOUPLE_EXCHANGE_XSAVE 0 /* standard-format XSAVE image, all components of XCR0 */
#define DECOUPLE_EXCHANGE_XSAVE_SIZE 0x1f00
#define DECOUPLE_EXCHANGE_REGS 0x1f00 /* struct decouple_exchange_regs */

/* Offsets from DECOUPLE_EXCHANGE_REGS, for the assembler; asserted below. */
#define DECOUPLE_EXCHANGE_RIP 0
#define DECOUPLE_EXCHANGE_RAX 40
#define DECOUPLE_EXCHANGE_RBX 48
#define DECOUPLE_EXCHANGE_RCX 56
#define DECOUPLE_EXCHANGE_RDX 64
#define DECOUPLE_EXCHANGE_RSI 72
#define DECOUPLE_EXCHANGE_RDI 80
#define DECOUPLE_EXCHANGE_RBP 88
#define DECOUPLE_EXCHANGE_R8 96
#define DECOUPLE_EXCHANGE_R9 104
#define DECOUPLE_EXCHANGE_R10 112
#define DECOUPLE_EXCHANGE_R11 120
#define DECOUPLE_EXCHANGE_R12 128
#define DECOUPLE_EXCHANGE_R13 136
#define DECOUPLE_EXCHANGE_R14 144
#define DECOUPLE_EXCHANGE_R15 152
#define DECOUPLE_EXCHANGE_FS_BASE 160
#define DECOUPLE_EXCHANGE_GS_BASE 168

#ifndef __ASSEMBLER__
#include <linux/types.h>
#include <stddef.h>

struct decouple_exchange_regs {
	__u64 rip, cs, rflags, rsp, ss; /* as IRETQ takes them; LOAD only */
	__u64 rax; /* LOAD only */
	__u64 rbx, rcx, rdx, rsi, rdi, rbp;
	__u64 r8, r9, r10, r11, r12, r13, r14, r15;
	__u64 fs_base, gs_base;
};

#ifdef __cplusplus
#define DECOUPLE_EXCHANGE_CHECK(field, off) static_assert(offsetof(struct decouple_exchange_regs, field) == (off), #field)
#else
#define DECOUPLE_EXCHANGE_CHECK(field, off) _Static_assert(offsetof(struct decouple_exchange_regs, field) == (off), #field)
#endif
DECOUPLE_EXCHANGE_CHECK(rip, DECOUPLE_EXCHANGE_RIP);
DECOUPLE_EXCHANGE_CHECK(rax, DECOUPLE_EXCHANGE_RAX);
DECOUPLE_EXCHANGE_CHECK(rbx, DECOUPLE_EXCHANGE_RBX);
DECOUPLE_EXCHANGE_CHECK(rcx, DECOUPLE_EXCHANGE_RCX);
DECOUPLE_EXCHANGE_CHECK(rdx, DECOUPLE_EXCHANGE_RDX);
DECOUPLE_EXCHANGE_CHECK(rsi, DECOUPLE_EXCHANGE_RSI);
DECOUPLE_EXCHANGE_CHECK(rdi, DECOUPLE_EXCHANGE_RDI);
DECOUPLE_EXCHANGE_CHECK(rbp, DECOUPLE_EXCHANGE_RBP);
DECOUPLE_EXCHANGE_CHECK(r8, DECOUPLE_EXCHANGE_R8);
DECOUPLE_EXCHANGE_CHECK(r9, DECOUPLE_EXCHANGE_R9);
DECOUPLE_EXCHANGE_CHECK(r10, DECOUPLE_EXCHANGE_R10);
DECOUPLE_EXCHANGE_CHECK(r11, DECOUPLE_EXCHANGE_R11);
DECOUPLE_EXCHANGE_CHECK(r12, DECOUPLE_EXCHANGE_R12);
DECOUPLE_EXCHANGE_CHECK(r13, DECOUPLE_EXCHANGE_R13);
DECOUPLE_EXCHANGE_CHECK(r14, DECOUPLE_EXCHANGE_R14);
DECOUPLE_EXCHANGE_CHECK(r15, DECOUPLE_EXCHANGE_R15);
DECOUPLE_EXCHANGE_CHECK(fs_base, DECOUPLE_EXCHANGE_FS_BASE);
DECOUPLE_EXCHANGE_CHECK(gs_base, DECOUPLE_EXCHANGE_GS_BASE);
#undef DECOUPLE_EXCHANGE_CHECK
#endif

#endif
