/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The loops of stress_regs: all of a thread's registers carry values while it is moved about.
 *
 * void churn_<width>_<kind>(struct churn *c)   width: avx512 avx2 sse2   kind: compute calls initial
 *
 * c->count turns. In each, the fifteen general registers run through one add-with-carry chain that does not end between turns
 * (INC, DEC, LEA and MOV leave CF alone), the vector registers each add their own addend, the mask registers are inverted, the
 * x87 stack turns by one with a changed sign, the red zone and one word behind each of FS and GS are counted up.
 * `initial` starts with every extended component in its initial state and does not touch them: they must come out as zeros.
 */
#include <asm/unistd_64.h>
#include "stress_regs.h"

/* \op each of the fifteen registers with its word of the table at \base. */
.macro each_gpr op, base, store=0
	.set word, 0
	.irp reg, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
	.if \store
		\op	%\reg, \base + 8 * word(%rsp)
	.else
		\op	\base + 8 * word(%rsp), %\reg
	.endif
	.set word, word + 1
	.endr
.endm

.altmacro
/* \op memory, register (or the reverse with store=1; or memory, register, register with three=1), for \count registers. */
.macro vec_one op, prefix, number, offset, store, three
	.if \store
		\op	%\prefix\number, \offset(%rsp)
	.elseif \three
		\op	\offset(%rsp), %\prefix\number, %\prefix\number
	.else
		\op	\offset(%rsp), %\prefix\number
	.endif
.endm
.macro each_vec op, prefix, count, base, store=0, three=0
	.set number, 0
	.rept \count
		vec_one	\op, \prefix, %number, %(\base + 64 * number), \store, \three
		.set number, number + 1
	.endr
.endm
.macro mask_one number
	knotq	%k\number, %k\number
.endm
.macro mask_load number
	kmovq	CHURN_K_IN + 8 * \number(%rsp), %k\number
.endm
.macro mask_store number
	kmovq	%k\number, CHURN_K_OUT + 8 * \number(%rsp)
.endm
.macro each_mask one
	.irp number, 0, 1, 2, 3, 4, 5, 6, 7
		\one	\number
	.endr
.endm

.macro vec_load width
	.ifc \width, avx512
		each_vec vmovdqa64, zmm, 32, CHURN_VEC_IN
		each_mask mask_load
	.endif
	.ifc \width, avx2
		each_vec vmovdqa, ymm, 16, CHURN_VEC_IN
	.endif
	.ifc \width, sse2
		each_vec movdqa, xmm, 16, CHURN_VEC_IN
	.endif
.endm
.macro vec_turn width
	.ifc \width, avx512
		each_vec vpaddq, zmm, 32, CHURN_VEC_ADD, 0, 1
		each_mask mask_one
	.endif
	.ifc \width, avx2
		each_vec vpaddq, ymm, 16, CHURN_VEC_ADD, 0, 1
	.endif
	.ifc \width, sse2
		each_vec paddq, xmm, 16, CHURN_VEC_ADD
	.endif
.endm
.macro vec_store width
	.ifc \width, avx512
		each_vec vmovdqa64, zmm, 32, CHURN_VEC_OUT, 1
		each_mask mask_store
	.endif
	.ifc \width, avx2
		each_vec vmovdqa, ymm, 16, CHURN_VEC_OUT, 1
	.endif
	.ifc \width, sse2
		each_vec movdqa, xmm, 16, CHURN_VEC_OUT, 1
	.endif
.endm

/* One system call whose RAX is summed up and whose RCX and R11 are kept; the flags, CF too, come back as they were. */
.macro one_call next
	mov	%rax, CHURN_PARKED(%rsp)
	mov	%rcx, CHURN_PARKED + 8(%rsp)
	mov	%r11, CHURN_PARKED + 16(%rsp)
	mov	CHURN_SYS_NR(%rsp), %rax
	syscall
\next:
	mov	%rcx, CHURN_SYS_RCX(%rsp)
	mov	%r11, CHURN_SYS_R11(%rsp)
	mov	CHURN_SYS_RAX(%rsp), %rcx
	lea	(%rax, %rcx), %rcx
	mov	%rcx, CHURN_SYS_RAX(%rsp)
	mov	CHURN_PARKED(%rsp), %rax
	mov	CHURN_PARKED + 8(%rsp), %rcx
	mov	CHURN_PARKED + 16(%rsp), %r11
.endm

.macro churn width, kind
	.globl	churn_\width\()_\kind, churn_\width\()_\kind\()_next
	.type	churn_\width\()_\kind, @function
churn_\width\()_\kind:
	.cfi_startproc
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	fxsave64 CHURN_FX_HOME(%rdi)
	.ifc \kind, initial
		mov	$CHURN_XCR0_WANTED, %eax
		xor	%edx, %edx
		xrstor64 CHURN_INIT_AREA(%rdi)
	.else
		fxrstor64 CHURN_FX_IN(%rdi)
	.endif
	pushfq
	pop	%rax
	mov	%rax, CHURN_HOME_FLAGS(%rdi)
	and	$~0xcd5, %eax			/* without DF and the arithmetic flags: CF starts at 0 */
	or	CHURN_FLAGS_IN(%rdi), %rax
	push	%rax
	popfq
	mov	%rsp, CHURN_HOME_RSP(%rdi)
	mov	%rdi, %rsp
	.ifnc \kind, initial
		vec_load \width
	.endif
	each_gpr mov, CHURN_GPR_IN
1:
	each_gpr adc, CHURN_GPR_ADD
	.ifnc \kind, initial
		vec_turn \width
		fchs
		fincstp
	.endif
	.set word, 1
	.rept	CHURN_RED_WORDS
		incq	-8 * word(%rsp)
		.set word, word + 1
	.endr
	incq	%gs:0
	incq	%fs:churn_fs_word@tpoff
	.ifc \kind, calls
		one_call churn_\width\()_\kind\()_next
	.endif
	decq	CHURN_COUNT(%rsp)
	jnz	1b
	each_gpr mov, CHURN_GPR_OUT, 1
	.set word, 0
	.rept	CHURN_RED_WORDS
		mov	-8 - 8 * word(%rsp), %rax
		mov	%rax, CHURN_RED_OUT + 8 * word(%rsp)
		.set word, word + 1
	.endr
	mov	%rsp, %rdi
	mov	CHURN_HOME_RSP(%rdi), %rsp
	pushfq
	pop	CHURN_FLAGS_OUT(%rdi)
	push	CHURN_HOME_FLAGS(%rdi)
	popfq
	.set word, 0
	.irp	sel, cs, ss, ds, es, fs, gs
		mov	%\sel, CHURN_SELECTORS + 2 * word(%rdi)
		.set word, word + 1
	.endr
	fxsave64 CHURN_FX_OUT(%rdi)
	mov	%rsp, %rsi
	mov	%rdi, %rsp			/* the stores below address by RSP; nothing below it is needed any more */
	vec_store \width
	mov	%rsi, %rsp
	.ifnc \width, sse2
		vzeroupper
	.endif
	fxrstor64 CHURN_FX_HOME(%rdi)
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret
	.cfi_endproc
	.size	churn_\width\()_\kind, . - churn_\width\()_\kind
.endm

.macro fill_one insn, prefix, number
	\insn	%\prefix\number, %\prefix\number, %\prefix\number
.endm
.macro fill_sse number
	pcmpeqd	%xmm\number, %xmm\number
.endm
.macro fill_zmm number
	vpternlogd $0xff, %zmm\number, %zmm\number, %zmm\number
.endm
.macro fill_mask number
	kxnorq	%k\number, %k\number, %k\number
.endm

/* void trash_<width>(void): ones into every vector and mask register, another x87 stack and MXCSR. */
.macro trash width
	.globl	trash_\width
	.type	trash_\width, @function
trash_\width:
	.cfi_startproc
	fninit
	fldpi
	fld1
	movl	$0x5f80, -8(%rsp)
	ldmxcsr	-8(%rsp)
	.set number, 0
	.ifc \width, avx512
		.rept 32
			fill_zmm %number
			.set number, number + 1
		.endr
		each_mask fill_mask
	.endif
	.ifc \width, avx2
		.rept 16
			fill_one vpcmpeqd, ymm, %number
			.set number, number + 1
		.endr
	.endif
	.ifc \width, sse2
		.rept 16
			fill_sse %number
			.set number, number + 1
		.endr
	.endif
	.irp	reg, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11
		mov	$-1, %\reg
	.endr
	ret
	.cfi_endproc
	.size	trash_\width, . - trash_\width
.endm

	.text
	churn	avx512, compute
	churn	avx512, calls
	churn	avx512, initial
	churn	avx2, compute
	churn	avx2, calls
	churn	avx2, initial
	churn	sse2, compute
	churn	sse2, calls
	trash	avx512
	trash	avx2
	trash	sse2
	.section .note.GNU-stack, "", @progbits
