/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the thread of gate_fuzz.c comes to: captured, and let go with any registers whatever. */
	.text
	.globl	fuzz_entry, fuzz_landing, fuzz_landing_next, fuzz_recover, fuzz_int80

/* RDI: the frame's number. */
fuzz_entry:
	call	fuzz_in_gate
	ud2

/* All registers as they are, before any is touched. RSP may be anything. */
fuzz_landing:
	mov	%r8, landed+0(%rip)
fuzz_landing_next:
	mov	%r9, landed+8(%rip)
	mov	%r10, landed+16(%rip)
	mov	%r11, landed+24(%rip)
	mov	%r12, landed+32(%rip)
	mov	%r13, landed+40(%rip)
	mov	%r14, landed+48(%rip)
	mov	%r15, landed+56(%rip)
	mov	%rdi, landed+64(%rip)
	mov	%rsi, landed+72(%rip)
	mov	%rbp, landed+80(%rip)
	mov	%rbx, landed+88(%rip)
	mov	%rdx, landed+96(%rip)
	mov	%rax, landed+104(%rip)
	mov	%rcx, landed+112(%rip)
	mov	%rsp, landed+120(%rip)
	lea	landing_stack_end(%rip), %rsp
	pushfq
	pop	landed+136(%rip)
	xor	%eax, %eax
	mov	%cs, %ax
	mov	%rax, landed_cs(%rip)
	mov	%ss, %ax
	mov	%rax, landed_ss(%rip)
	push	$0x202
	popfq
	call	fuzz_landed
	ud2

/* From a signal handler. */
fuzz_recover:
	lea	landing_stack_end(%rip), %rsp
	push	$0x202
	popfq
	call	fuzz_recovered
	ud2

/* A gate call by the 32-bit entry of the kernel: RDI call, RSI frame, RDX argument. */
fuzz_int80:
	push	%rbx
	mov	%rdi, %r10
	mov	%rsi, %r8
	mov	%rdx, %r9
	mov	gate_address(%rip), %ebx
	mov	$4096, %ecx
	mov	$4, %edx
	mov	$144, %eax
	int	$0x80
	movslq	%eax, %rax
	pop	%rbx
	ret

	.bss
	.balign	16
	.globl	gate_address, landed, landed_cs, landed_ss
gate_address:	.skip 16
landed:		.skip 144
landed_cs:	.skip 8
landed_ss:	.skip 8
landing_stack:	.skip 262144
landing_stack_end:
	.section .note.GNU-stack, "", @progbits
