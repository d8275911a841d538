/* SPDX-License-Identifier: GPL-2.0-only */
/* Where captured threads go; see gate_client.h. Touches no vector register. */
#include "gate_client.h"

	.text
	.globl	gate_entry
gate_entry:
	mov	%rdi, %rbx
	lea	gate_calls(%rip), %rax
	mov	(%rax,%rbx,8), %r12
1:	test	%r12, %r12
	jz	2f
	mov	$__NR_getpid, %eax
	syscall
	lea	gate_results(%rip), %rcx
	mov	%rax, (%rcx,%rbx,8)
	dec	%r12
	jmp	1b
2:	mov	gate_address(%rip), %rdi
	mov	$HANDLE_SIZE, %esi
	mov	$SYNC, %edx
	mov	$4, %r10d			/* DECOUPLE_GATE_RETURN */
	mov	%rbx, %r8
	lea	gate_how(%rip), %rax
	mov	(%rax,%rbx,8), %r9
	mov	$__NR_msync, %eax
	syscall
	ud2
	.globl	gate_entry_end
gate_entry_end:

	.bss
	.balign	8
	.globl	gate_address, gate_how, gate_calls, gate_results
gate_address:	.skip 8
gate_how:	.skip 64
gate_calls:	.skip 64
gate_results:	.skip 64
	.section .note.GNU-stack, "", @progbits
