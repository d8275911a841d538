/* SPDX-License-Identifier: GPL-2.0-only */
/* A first function for DECOUPLE_START: RDI is the gate. Leaves it at once, and the session with it. */
	.text
	.globl	start_entry
start_entry:
	mov	$4096, %esi
	mov	$4, %edx
	mov	$4, %r10d			/* DECOUPLE_GATE_RETURN */
	xor	%r8d, %r8d
	mov	$4, %r9d			/* DECOUPLE_RETURN_LEAVE */
	mov	$26, %eax
	syscall
	ud2
	.section .note.GNU-stack, "", @progbits
