/* SPDX-License-Identifier: GPL-2.0-only */
/* The gate's entry of captures.c, and its restartable sequence. Touches no vector register. */
	.text
	.globl	captures_entry, sequence, sequence_begin, sequence_end, sequence_abort

/* RDI: the frame's number. */
captures_entry:
	call	captures_in_gate
	mov	gate_address(%rip), %rdi
	mov	$4096, %esi
	mov	$4, %edx
	mov	$4, %r10d			/* DECOUPLE_GATE_RETURN */
	mov	$1, %r8d
	mov	%rax, %r9
	mov	$26, %eax
	syscall
	ud2

/*
 * RDI: where the address of the descriptor goes, RSI: the descriptor, RDX: number of turns, RCX: the counter of captures. RAX: 0 if it ended
 * uninterrupted, 1 if it was aborted, 2 if it went on behind a capture,
 * 3 if it was captured before its begin.
 */
sequence:
	mov	(%rcx), %r8
	mov	%rsi, (%rdi)
sequence_begin:
	cmp	(%rcx), %r8
	jne	4f
1:	dec	%rdx
	jnz	1b
	cmp	(%rcx), %r8
	jne	2f
	xor	%eax, %eax
	jmp	3f
4:	mov	$3, %eax
	jmp	3f
2:	mov	$2, %eax
3:
sequence_end:
	movq	$0, (%rdi)
	ret
	.long	0x53053053			/* the C library's signature, in front of the place */
sequence_abort:
	mov	$1, %eax
	ret

	.bss
	.balign	8
	.globl	gate_address
gate_address:	.skip 8
	.section .note.GNU-stack, "", @progbits
