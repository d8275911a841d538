/* SPDX-License-Identifier: GPL-2.0-only */
/* Runs a piece of code with every register set, and shows what it left in them. */
#ifndef DECOUPLE_SELFTESTS_REGISTERS_H
#define DECOUPLE_SELFTESTS_REGISTERS_H

#include <stdbool.h>
#include <stdint.h>

struct registers {
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15, rflags;
};

enum { VECTORS_SSE = 0, VECTORS_AVX = 1, VECTORS_AVX512 = 2 };

struct vectors {
	uint8_t zmm[32][64]; /* what the level has of them; the rest is left alone */
	uint64_t k[8];
	uint8_t st[8][16]; /* 80-bit each */
	uint32_t mxcsr;
	uint16_t fcw, unused;
} __attribute__((aligned(64)));

typedef void code_fn(void);

/* Loads in, calls code, stores into out. */
void registers_call(const struct registers *in, struct registers *out, code_fn *code);
extern uint64_t registers_rsp; /* RSP in the first instruction of code */

/* The same for vector, mask and x87 registers. rdi, rsi, rdx, r10, r8, r9, rax are taken from args[7] for code. */
void vectors_call(const struct vectors *in, struct vectors *out, code_fn *code, const uint64_t args[7], int level);

/* Pieces of code; each falls into a RET. The label after the instruction is what a signal frame or RCX shows. */
code_fn code_syscall, code_ud2, code_int3, code_hlt, code_load, code_load_any, code_spin, code_div, code_nop;
extern const uint8_t code_syscall_end[], code_ud2_end[], code_int3_end[], code_hlt_end[], code_load_end[];
extern const uint8_t code_spin_end[], code_div_end[];
/* code_load reads from RAX into RBX. code_spin increments nothing: loops until the byte at RAX is not 0, changes flags only. */

int vectors_level(void);
/* Fills with a pattern that depends on seed. */
void vectors_fill(struct vectors *vectors, unsigned seed);
/* Prints each difference; true: equal. */
bool vectors_equal(const struct vectors *a, const struct vectors *b, int level, const char *when);
void registers_fill(struct registers *registers, unsigned seed);
/* Compares all but the listed ones (names separated by blanks). */
bool registers_equal(const struct registers *a, const struct registers *b, const char *except, const char *when);

#endif
