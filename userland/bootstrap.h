/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bootstrap: the only code that runs in the target before the resident's image is there. It lives in the unused end of the
 * target's vDSO, holds a copy of the interrupted registers, and always ends by going on with them: if the controller dies at any
 * moment, the target finishes or gives up the injection by itself and continues as if nothing had been.
 */
#ifndef DECOUPLE_USERLAND_BOOTSTRAP_H
#define DECOUPLE_USERLAND_BOOTSTRAP_H

/* Offsets in struct BootstrapData. */
#define BOOT_ALL_SIGNALS 0
#define BOOT_MASK 8
#define BOOT_BASE 16
#define BOOT_SIZE 24
#define BOOT_MAGIC 32
#define BOOT_PATIENCE 40
#define BOOT_INIT 48
#define BOOT_STACK 56
#define BOOT_RIP 64
#define BOOT_RSP 72
#define BOOT_RFLAGS 80
#define BOOT_RAX 88
#define BOOT_RBX 96
#define BOOT_RCX 104
#define BOOT_RDX 112
#define BOOT_RSI 120
#define BOOT_RDI 128
#define BOOT_RBP 136
#define BOOT_R8 144
#define BOOT_R9 152
#define BOOT_R10 160
#define BOOT_R11 168
#define BOOT_R12 176
#define BOOT_R13 184
#define BOOT_R14 192
#define BOOT_R15 200
#define BOOT_TID 208
#define BOOT_DATA_SIZE 216

#ifndef __ASSEMBLER__
#include <cstddef>
#include <cstdint>

namespace decouple
{

struct BootstrapData {
	uint64_t all_signals; /* ~0 */
	uint64_t mask; /* the thread's signal mask, set again at the end */
	uint64_t base, size; /* where the image goes */
	uint64_t magic; /* first word of a complete image */
	uint64_t patience; /* how long to wait for it, in the ticks of times(2), of which a second has 100 */
	uint64_t init, stack; /* the image's entry and the stack for it */
	uint64_t rip, rsp, rflags, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t tid; /* the thread that runs it: another controller must not overwrite it meanwhile */
};
static_assert(offsetof(BootstrapData, r15) == BOOT_R15);
static_assert(offsetof(BootstrapData, rip) == BOOT_RIP);

extern "C" const char bootstrap_code[], bootstrap_data[], bootstrap_unmap[], bootstrap_release[], bootstrap_farewell[],
	bootstrap_end[];

} // namespace decouple
#endif
#endif
