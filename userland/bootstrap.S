/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See bootstrap.h. Entered by PTRACE_SETREGS with RSP the thread's own; the memory around it is read-only for the thread. Nothing is
 * written to the thread's stack but one word below its red zone.
 */
#include <asm/unistd.h>
#include "bootstrap.h"

#define D(offset) (bootstrap_data + (offset))(%rip)

	.section .rodata
	.balign	64
	.globl	bootstrap_code, bootstrap_data, bootstrap_unmap, bootstrap_release, bootstrap_farewell, bootstrap_end
bootstrap_code:
	mov	$__NR_rt_sigprocmask, %eax
	mov	$2, %edi			/* SIG_SETMASK */
	lea	D(BOOT_ALL_SIGNALS), %rsi
	xor	%edx, %edx
	mov	$8, %r10d
	syscall
	mov	$__NR_mmap, %eax
	mov	D(BOOT_BASE), %rdi
	mov	D(BOOT_SIZE), %rsi
	mov	$7, %edx			/* PROT_READ | PROT_WRITE | PROT_EXEC; narrowed by the image itself */
	mov	$0x100022, %r10d		/* MAP_FIXED_NOREPLACE | MAP_ANONYMOUS | MAP_PRIVATE */
	mov	$-1, %r8
	xor	%r9d, %r9d
	syscall
	mov	D(BOOT_BASE), %rbx
	cmp	%rbx, %rax
	jne	3f
	mov	D(BOOT_MAGIC), %rbp
	mov	$__NR_times, %eax		/* not RDTSC: the thread may have switched that off */
	xor	%edi, %edi
	syscall
	mov	%rax, %r12			/* R12: start */
1:	cmp	%rbp, (%rbx)			/* the controller writes this word last */
	je	2f
	pause
	mov	$__NR_times, %eax
	syscall
	sub	%r12, %rax
	cmp	D(BOOT_PATIENCE), %rax
	jb	1b
	cmp	%rbp, (%rbx)			/* the thread may not have run since it last looked */
	je	2f
bootstrap_unmap:				/* entered with RBX the image's base, too */
	mov	$__NR_munmap, %eax
	mov	%rbx, %rdi
	mov	D(BOOT_SIZE), %rsi
	syscall
	jmp	3f
2:	mov	D(BOOT_STACK), %rsp
	call	*D(BOOT_INIT)
3:	mov	D(BOOT_RSP), %rsp
	mov	$__NR_rt_sigprocmask, %eax
	mov	$2, %edi
	lea	D(BOOT_MASK), %rsi
	xor	%edx, %edx
	mov	$8, %r10d
	syscall
	lea	-128(%rsp), %rsp
	push	D(BOOT_RFLAGS)
	popfq
	lea	128(%rsp), %rsp
	mov	D(BOOT_RAX), %rax
	mov	D(BOOT_RBX), %rbx
	mov	D(BOOT_RCX), %rcx
	mov	D(BOOT_RDX), %rdx
	mov	D(BOOT_RSI), %rsi
	mov	D(BOOT_RDI), %rdi
	mov	D(BOOT_RBP), %rbp
	mov	D(BOOT_R8), %r8
	mov	D(BOOT_R9), %r9
	mov	D(BOOT_R10), %r10
	mov	D(BOOT_R11), %r11
	mov	D(BOOT_R12), %r12
	mov	D(BOOT_R13), %r13
	mov	D(BOOT_R14), %r14
	mov	D(BOOT_R15), %r15
	jmp	*D(BOOT_RIP)

/* A child's way out of the resident: clears the word at RSI, behind which the image may go; RAX, RSP are set up for rt_sigreturn. */
bootstrap_release:
	movl	$0, (%rsi)
/* The manager's end: RAX, RDI, RSI are set up for munmap of the image that it comes from. */
bootstrap_farewell:
	syscall
	mov	%ebx, %edi
	mov	$__NR_exit, %eax
	syscall
	.balign	8
bootstrap_data:
	.skip	BOOT_DATA_SIZE
bootstrap_end:
	.section .note.GNU-stack, "", @progbits
