/* SPDX-License-Identifier: GPL-2.0-only */
/* Code of registers.h: loads all registers, calls a piece of code, stores all registers. */

	.text
	.globl registers_call, vectors_call, registers_rsp

/* In: rdi in, rsi out, rdx code. */
registers_call:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	push %rsi
	sub $8, %rsp
	mov %rdx, registers_code(%rip)
	lea -8(%rsp), %rax /* CALL pushes one word */
	mov %rax, registers_rsp(%rip)
	push 120(%rdi)
	popfq
	mov 0(%rdi), %rax
	mov 8(%rdi), %rbx
	mov 16(%rdi), %rcx
	mov 24(%rdi), %rdx
	mov 32(%rdi), %rsi
	mov 48(%rdi), %rbp
	mov 56(%rdi), %r8
	mov 64(%rdi), %r9
	mov 72(%rdi), %r10
	mov 80(%rdi), %r11
	mov 88(%rdi), %r12
	mov 96(%rdi), %r13
	mov 104(%rdi), %r14
	mov 112(%rdi), %r15
	mov 40(%rdi), %rdi
	call *registers_code(%rip)
	pushfq
	push %r15
	mov 24(%rsp), %r15 /* out */
	mov %rax, 0(%r15)
	mov %rbx, 8(%r15)
	mov %rcx, 16(%r15)
	mov %rdx, 24(%r15)
	mov %rsi, 32(%r15)
	mov %rdi, 40(%r15)
	mov %rbp, 48(%r15)
	mov %r8, 56(%r15)
	mov %r9, 64(%r15)
	mov %r10, 72(%r15)
	mov %r11, 80(%r15)
	mov %r12, 88(%r15)
	mov %r13, 96(%r15)
	mov %r14, 104(%r15)
	pop 112(%r15)
	pop 120(%r15)
	push $0x202
	popfq
	add $16, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret

/* In: rdi in, rsi out, rdx code, rcx args, r8d level. */
vectors_call:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	sub $16, %rsp
	mov %rsi, %rbx
	mov %rdx, %rbp
	mov %rcx, %r12
	mov %r8d, %r13d
	stmxcsr 0(%rsp)
	fnstcw 4(%rsp)
	fninit
	i = 7
	.rept 8
	fldt 2112+16*i(%rdi)
	i = i - 1
	.endr
	fldcw 2244(%rdi)
	ldmxcsr 2240(%rdi)
	cmp $1, %r13d
	jb 1f
	je 2f
	.irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	vmovdqu64 64*\n(%rdi), %zmm\n
	.endr
	.irp n,0,1,2,3,4,5,6,7
	kmovq 2048+8*\n(%rdi), %k\n
	.endr
	jmp 3f
2:	.irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	vmovdqu 64*\n(%rdi), %ymm\n
	.endr
	jmp 3f
1:	.irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	movdqu 64*\n(%rdi), %xmm\n
	.endr
3:	mov 0(%r12), %rdi
	mov 8(%r12), %rsi
	mov 16(%r12), %rdx
	mov 24(%r12), %r10
	mov 32(%r12), %r8
	mov 40(%r12), %r9
	mov 48(%r12), %rax
	call *%rbp
	cmp $1, %r13d
	jb 1f
	je 2f
	.irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	vmovdqu64 %zmm\n, 64*\n(%rbx)
	.endr
	.irp n,0,1,2,3,4,5,6,7
	kmovq %k\n, 2048+8*\n(%rbx)
	.endr
	vzeroupper
	jmp 3f
2:	.irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	vmovdqu %ymm\n, 64*\n(%rbx)
	.endr
	vzeroupper
	jmp 3f
1:	.irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	movdqu %xmm\n, 64*\n(%rbx)
	.endr
3:	stmxcsr 2240(%rbx)
	fnstcw 2244(%rbx)
	i = 0
	.rept 8
	fstpt 2112+16*i(%rbx)
	i = i + 1
	.endr
	fninit
	fldcw 4(%rsp)
	ldmxcsr 0(%rsp)
	add $16, %rsp
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret

	.macro code name, insn:vararg
	.globl \name, \name\()_end
\name:	\insn
\name\()_end:
	ret
	.endm

	code code_syscall, syscall
	code code_ud2, ud2
	code code_int3, int3
	code code_hlt, hlt
	code code_load, mov (%rax), %rbx
	code code_load_any, mov (%rdi), %al
	code code_div, div %rcx
	code code_nop, nop

	.globl code_spin, code_spin_end
code_spin:
	cmpb $0, (%rax)
	je code_spin
code_spin_end:
	ret

	.bss
	.balign 8
registers_code:
	.skip 8
registers_rsp:
	.skip 8
	.section .note.GNU-stack, "", @progbits
