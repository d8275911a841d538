/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entries into the resident that C++ cannot express: signal handler, first call, clone, thread start, ways back to the application.
 * All run at CPL 3 in the application's process. Vector registers are never touched (the image is built -mgeneral-regs-only).
 */
#include <asm/unistd.h>
#include "session.h"

	.text

/*
 * Handler of the reserved signal: the capture. RDI signal, RSI siginfo, RDX ucontext, RSP the application's (or the gate's own
 * when the home thread was interrupted in an interruptible call). All signals blocked by sa_mask.
 */
	.globl	capture_entry
	.hidden	capture_entry
capture_entry:
	pushfq				/* DF, NT and AC are the application's; the frame has them */
	andq	$~0x44400, (%rsp)
	popfq
	mov	$__NR_gettid, %eax
	syscall				/* RCX, R11 lost: the frame has them */
	lea	(control + CONTROL_SESSIONS)(%rip), %r8 /* R8: next table entry */
	mov	session_limit(%rip), %ecx
	jrcxz	2f
1:	mov	(%r8), %r9		/* R9: struct Session */
	add	$8, %r8
	test	%r9, %r9
	jz	3f
	cmp	%eax, SESSION_TID(%r9)
	je	4f
3:	loop	1b
2:	ret				/* not one of ours: a stray signal is dropped */
4:	mov	%r9, %rdi
	mov	%rdx, %rsi
	cmpl	$SESSION_MODE_GATE, SESSION_MODE(%r9)
	je	5f
	ja	2b			/* left or fresh: it came too late or too early */
	mov	SESSION_GATE_STACK(%r9), %rsp
	xor	%ebp, %ebp
	call	gate_enter		/* (session, ucontext), does not return */
	ud2
5:	sub	$8, %rsp
	call	gate_interrupted	/* (session, ucontext) */
	add	$8, %rsp
	ret

/*
 * A thread that the module captured: RDI its session, RSP its gate stack, vector registers the application's, all signals blocked. What
 * XSAVE leaves of the image's header is zero from the start.
 */
	.globl	module_entry
	.hidden	module_entry
module_entry:
	mov	$-1, %eax
	mov	$-1, %edx
	xsave64	SESSION_FP(%rdi)
	xor	%ebp, %ebp
	call	module_captured		/* (session), does not return */
	ud2

/* noreturn module_leave(const u8 *xsave, u64 gate, u64 frame, u64 how): DECOUPLE_GATE_RETURN. */
	.globl	module_leave
	.hidden	module_leave
module_leave:
	mov	%rdx, %r8
	mov	%rcx, %r9
	mov	$-1, %eax
	mov	$-1, %edx
	xrstor64 (%rdi)
	mov	%rsi, %rdi
module_return:				/* RDI gate, R8 frame, R9 how */
	mov	$GATE_RETURN, %r10d
	mov	$4096, %esi
	mov	$4, %edx		/* MS_SYNC */
	mov	$__NR_msync, %eax
	syscall
	ud2

/* The first function of the resident when the module starts it: RDI the gate, RSP the init stack. See ImageHeader. */
	.globl	module_init_entry
	.hidden	module_init_entry
module_init_entry:
	mov	%rdi, %rbx
	call	resident_init
	call	module_init_leave
	mov	%rax, %r9
	xor	%r8d, %r8d
	mov	%rbx, %rdi
	jmp	module_return

	.globl	signal_restorer
	.hidden	signal_restorer
signal_restorer:
	mov	$__NR_rt_sigreturn, %eax
	syscall

/* noreturn return_by_frame(ucontext *): the kernel loads the frame. RFLAGS.ID and NT are not in its mask: taken from what is live. */
	.globl	return_by_frame
	.hidden	return_by_frame
return_by_frame:
	mov	%rdi, %rsp
	mov	$__NR_rt_sigreturn, %eax
	syscall
	ud2

/*
 * noreturn return_and_release(ucontext *, u32 *busy, u64 release): as above; the word is cleared when neither the old stack nor this code is
 * needed any more, by the code at `release` (struct Config).
 */
	.globl	return_and_release
	.hidden	return_and_release
return_and_release:
	mov	%rdi, %rsp
	mov	$__NR_rt_sigreturn, %eax
	jmp	*%rdx

/*
 * noreturn return_by_registers(const SigContext *mc, const u8 *xsave): loads everything in user mode, so that the kernel's
 * restart_block survives (rt_sigreturn would drop it).
 */
#define MC(n) (8 * n)(%rdi)
	.globl	return_by_registers
	.hidden	return_by_registers
return_by_registers:
	mov	$-1, %eax
	mov	$-1, %edx
	xrstor64 (%rsi)
	mov	MC(15), %rsp		/* struct SigContext order: r8..r15 rdi rsi rbp rbx rdx rax rcx rsp rip rflags */
	lea	-128(%rsp), %rsp
	push	MC(16)			/* rip, for the ret below: below the red zone */
	push	MC(17)
	popfq
	mov	MC(0), %r8
	mov	MC(1), %r9
	mov	MC(2), %r10
	mov	MC(3), %r11
	mov	MC(4), %r12
	mov	MC(5), %r13
	mov	MC(6), %r14
	mov	MC(7), %r15
	mov	MC(9), %rsi
	mov	MC(10), %rbp
	mov	MC(11), %rbx
	mov	MC(12), %rdx
	mov	MC(13), %rax
	mov	MC(14), %rcx
	mov	MC(8), %rdi
	ret	$128

/* long interruptible_call(const u64 call[7], u32 *interrupted): number and arguments; -4095: interrupted or not begun. */
	.globl	interruptible_call, call_begin, call_end, call_skip
	.hidden	interruptible_call, call_begin, call_end, call_skip
interruptible_call:
	push	%rbx
	mov	%rsi, %rbx
	mov	0(%rdi), %rax
	mov	16(%rdi), %rsi
	mov	24(%rdi), %rdx
	mov	32(%rdi), %r10
	mov	40(%rdi), %r8
	mov	48(%rdi), %r9
	mov	8(%rdi), %rdi
call_begin:
	cmpl	$0, (%rbx)
	jne	call_skip
	syscall
call_end:
	pop	%rbx
	ret
call_skip:
	mov	$-4095, %rax
	pop	%rbx
	ret

/* A tracer found the home thread blocked in the range above and takes it out: RDI the number to go on with. RSP the gate's. */
	.globl	leave_entry
	.hidden	leave_entry
leave_entry:
	and	$-16, %rsp
	xor	%ebp, %ebp
	call	gate_leave_blocked
	ud2

/*
 * long raw_clone(const u64 call[7], ChildRecord *record, u8 *stack_top): the child, whatever its memory and stack arguments, goes to
 * child_start(record) on stack_top. R12 and R13 travel to it.
 */
	.globl	raw_clone
	.hidden	raw_clone
raw_clone:
	push	%r12
	push	%r13
	mov	%rsi, %r12
	mov	%rdx, %r13
	mov	0(%rdi), %rax
	mov	16(%rdi), %rsi
	mov	24(%rdi), %rdx
	mov	32(%rdi), %r10
	mov	40(%rdi), %r8
	mov	48(%rdi), %r9
	mov	8(%rdi), %rdi
	syscall
	test	%rax, %rax
	jz	1f
	pop	%r13
	pop	%r12
	ret
1:	mov	%r13, %rsp
	mov	%r12, %rdi
	xor	%ebp, %ebp
	call	child_start
	ud2

/* long start_thread(flags, stack_top, u32 *child_tid, void (*entry)(void *), void *arg) */
	.globl	start_thread
	.hidden	start_thread
start_thread:
	push	%r12
	push	%r13
	mov	%rcx, %r12
	mov	%r8, %r13
	mov	%rdx, %r10		/* CLONE_CHILD_CLEARTID */
	xor	%edx, %edx
	xor	%r8d, %r8d
	mov	$__NR_clone, %eax
	syscall
	test	%rax, %rax
	jz	1f
	pop	%r13
	pop	%r12
	ret
1:	xor	%ebp, %ebp
	mov	%r13, %rdi
	call	*%r12
	ud2

/*
 * noreturn farewell(address, size, code, status): unmaps the image that this very code is in; goes on in the vDSO's slack, which exits
 * with the status in EBX.
 */
	.globl	farewell
	.hidden	farewell
farewell:
	mov	%ecx, %ebx
	mov	%rdx, %rcx
	mov	$__NR_munmap, %eax
	jmp	*%rcx

/*
 * Handler of a fault signal while its true action is put aside (fault.cc): RDI signal, RSI siginfo, RDX ucontext, on the
 * application's stack, all signals blocked.
 */
	.globl	fault_entry
	.hidden	fault_entry
fault_entry:
	pushfq
	andq	$~0x44400, (%rsp)
	popfq
	mov	%rdx, %rbx
	and	$-16, %rsp
	call	fault_arrived		/* (signal, siginfo, ucontext) */
	mov	%rbx, %rdi
	jmp	return_by_frame

	.section .header, "a"
	.globl	image_header
	.hidden	image_header
image_header:
	.quad	0x7a5d3e91c46f08b2, 0x656c70756f636564	/* resident_magic */
	.long	5					/* resident_version */
	.long	image_file_size, image_size, image_text_size
	.long	init_entry - image_header
	.long	control - image_header
	.long	leave_entry - image_header
	.long	call_begin - image_header, call_end - image_header
	.long	init_stack_top - image_header
	.long	module_init_entry - image_header, 0

	.text
/* Called by the injector's bootstrap on the injected thread, on the init stack; returns to it. */
	.globl	init_entry
	.hidden	init_entry
init_entry:
	push	%rbx
	mov	%rsp, %rbx
	and	$-16, %rsp
	call	resident_init
	mov	%rbx, %rsp
	pop	%rbx
	ret

	.bss
	.balign	64
	.skip	16384
	.globl	init_stack_top
	.hidden	init_stack_top
init_stack_top:
	.skip	64
	.skip	16384
	.globl	manager_stack_top
	.hidden	manager_stack_top
manager_stack_top:
	.skip	64
	.section .note.GNU-stack, "", @progbits
