/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state that stress_regs keeps live, and where it lies. RSP points to it while a loop runs, so every other register is free
 * to carry a value, and the words below it are the loop's red zone.
 */
#ifndef STRESS_REGS_H
#define STRESS_REGS_H

#define CHURN_HOME_RSP 0x00
#define CHURN_COUNT 0x08
#define CHURN_FLAGS_IN 0x10 /* RFLAGS bits to run with: DF, AC, ID */
#define CHURN_FLAGS_OUT 0x18
#define CHURN_HOME_FLAGS 0x20
#define CHURN_SELECTORS 0x28 /* cs ss ds es fs gs, two bytes each */
#define CHURN_PARKED 0x38 /* RAX RCX R11 while a system call runs */
#define CHURN_SYS_RAX 0x50 /* sum of the results */
#define CHURN_SYS_RCX 0x58 /* as the last system call left it */
#define CHURN_SYS_R11 0x60
#define CHURN_SYS_NR 0x68
#define CHURN_GPR_IN 0x80
#define CHURN_GPR_ADD 0x100
#define CHURN_GPR_OUT 0x180
#define CHURN_K_IN 0x200
#define CHURN_K_OUT 0x240
#define CHURN_RED_OUT 0x280
#define CHURN_FX_IN 0x300
#define CHURN_FX_OUT 0x500
#define CHURN_FX_HOME 0x700
#define CHURN_VEC_IN 0x900
#define CHURN_VEC_ADD 0x1100
#define CHURN_VEC_OUT 0x1900
#define CHURN_INIT_AREA 0x2100 /* XSAVE image whose header says: every component in its initial state */
#define CHURN_SIZE 0x2340

#define CHURN_GPRS 15
#define CHURN_RED_WORDS 16
#define CHURN_XCR0_WANTED 0xe7 /* x87 SSE AVX opmask ZMM_Hi256 Hi16_ZMM */

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

struct fxsave {
	uint16_t fcw, fsw;
	uint8_t ftw, reserved;
	uint16_t fop;
	uint64_t fip, fdp;
	uint32_t mxcsr, mxcsr_mask;
	uint8_t st[8][16];
	uint8_t xmm[16][16];
	uint8_t rest[96];
};

struct churn {
	uint64_t home_rsp, count, flags_in, flags_out, home_flags;
	uint16_t selectors[8];
	uint64_t parked[3], sys_rax, sys_rcx, sys_r11, sys_nr;
	uint64_t reserved[2];
	uint64_t gpr_in[16], gpr_add[16], gpr_out[16]; /* rax rbx rcx rdx rsi rdi rbp r8..r15 */
	uint64_t k_in[8], k_out[8];
	uint64_t red_out[CHURN_RED_WORDS]; /* [i] was at -8 * (i + 1)(%rsp) */
	struct fxsave fx_in, fx_out, fx_home;
	uint64_t vec_in[32][8], vec_add[32][8], vec_out[32][8];
	struct fxsave init_legacy;
	uint64_t init_header[8];
} __attribute__((aligned(64)));

#define CHURN_CHECK(field, off) _Static_assert(offsetof(struct churn, field) == (off), #field)
CHURN_CHECK(home_flags, CHURN_HOME_FLAGS);
CHURN_CHECK(selectors, CHURN_SELECTORS);
CHURN_CHECK(parked, CHURN_PARKED);
CHURN_CHECK(sys_rax, CHURN_SYS_RAX);
CHURN_CHECK(sys_nr, CHURN_SYS_NR);
CHURN_CHECK(gpr_in, CHURN_GPR_IN);
CHURN_CHECK(gpr_add, CHURN_GPR_ADD);
CHURN_CHECK(gpr_out, CHURN_GPR_OUT);
CHURN_CHECK(k_in, CHURN_K_IN);
CHURN_CHECK(k_out, CHURN_K_OUT);
CHURN_CHECK(red_out, CHURN_RED_OUT);
CHURN_CHECK(fx_in, CHURN_FX_IN);
CHURN_CHECK(fx_out, CHURN_FX_OUT);
CHURN_CHECK(fx_home, CHURN_FX_HOME);
CHURN_CHECK(vec_in, CHURN_VEC_IN);
CHURN_CHECK(vec_add, CHURN_VEC_ADD);
CHURN_CHECK(vec_out, CHURN_VEC_OUT);
CHURN_CHECK(init_legacy, CHURN_INIT_AREA);
_Static_assert(sizeof(struct churn) == CHURN_SIZE, "size");
#undef CHURN_CHECK

/* The loops. *_compute touches no system call; *_calls makes one per turn. */
void churn_avx512_compute(struct churn *), churn_avx512_calls(struct churn *), churn_avx512_initial(struct churn *);
void churn_avx2_compute(struct churn *), churn_avx2_calls(struct churn *), churn_avx2_initial(struct churn *);
void churn_sse2_compute(struct churn *), churn_sse2_calls(struct churn *);
/* RCX after the system call of each *_calls loop. */
extern const char churn_avx512_calls_next[], churn_avx2_calls_next[], churn_sse2_calls_next[];

/* Fills every register that a signal handler may clobber with other values. */
void trash_avx512(void), trash_avx2(void), trash_sse2(void);
#endif
#endif
