/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The system call entry (LSTAR): publishes the call in the slot, waits for the reply, returns to user code. No VM exit unless a side sleeps.
 *
 * The page is copied to the start of each vCPU's block, so everything is addressed relative to RIP. It runs at CPL 0 on SVM and VMX
 * and at CPL 3 on PVM, where SYSCALL does not raise the privilege: no privileged instruction but SYSRETQ, taken at CPL 0 only.
 *
 * On entry: RAX number, RDI RSI RDX R10 R8 R9 arguments, RCX return RIP, R11 RFLAGS, RSP the user's, interrupts off at CPL 0.
 * On exit:  RAX result, RCX and R11 as on entry (as after a native SYSCALL), everything else unchanged.
 * RSP is scratch in between: every vector has its own stack (RSP0, IST1), so nothing is pushed here.
 *
 * vmm-lite/state.cc derives the user's state from RIP at any instruction of this page; the labels mark where the rule changes.
 */
#include "decouple/layout.h"
#include "decouple/slot.h"

#define SLOT(off) (stub_entry + DECOUPLE_VCPU_OFF_SLOT + (off))(%rip)
#define DOORBELL(off) (stub_entry + DECOUPLE_VCPU_OFF_DOORBELL + (off))(%rip)

	.text
	.balign	DECOUPLE_PAGE_SIZE
	.globl	stub_entry, stub_entry_rsp_saved, stub_entry_rax_gone, stub_entry_published, stub_entry_end
	.hidden	stub_entry, stub_entry_rsp_saved, stub_entry_rax_gone, stub_entry_published, stub_entry_end
stub_entry:
	mov	%rsp, SLOT(DECOUPLE_SLOT_SAVED_RSP)
	mov	%rax, SLOT(DECOUPLE_SLOT_SAVED_RAX)
	mov	%eax, SLOT(DECOUPLE_SLOT_NR)
	mov	%rdi, SLOT(DECOUPLE_SLOT_ARG0)
	mov	%rsi, SLOT(DECOUPLE_SLOT_ARG1)
	mov	%rdx, SLOT(DECOUPLE_SLOT_ARG2)
	mov	%r10, SLOT(DECOUPLE_SLOT_ARG3)
	mov	%r8,  SLOT(DECOUPLE_SLOT_ARG4)
	mov	%r9,  SLOT(DECOUPLE_SLOT_ARG5)
stub_entry_rsp_saved:
	mov	SLOT(DECOUPLE_SLOT_SPIN), %esp		/* RSP: polls left */
	mov	SLOT(DECOUPLE_SLOT_REQ_SEQ), %eax
stub_entry_rax_gone:
	inc	%eax
	xchg	%eax, SLOT(DECOUPLE_SLOT_REQ_SEQ)	/* publish; the barrier pairs with the home thread's in gate.cc: sleep */
stub_entry_published:
	inc	%eax					/* EAX: the sequence number that the reply will carry */
	cmpl	$0, SLOT(DECOUPLE_SLOT_HOME_ASLEEP)
	je	1f
	mov	%eax, DOORBELL(DECOUPLE_DOORBELL_HOME)
1:	cmp	%eax, SLOT(DECOUPLE_SLOT_REP_SEQ)
	je	3f
	pause
	dec	%esp
	jnz	1b
	mov	%eax, DOORBELL(DECOUPLE_DOORBELL_WAIT)	/* MMIO exit; back when replied */
	mov	SLOT(DECOUPLE_SLOT_SPIN), %esp
	jmp	1b
3:	mov	SLOT(DECOUPLE_SLOT_RET), %rax
	mov	%cs, %esp
	test	$3, %spl
	jz	4f
	lea	(stub_entry + DECOUPLE_VCPU_OFF_SCRATCH + DECOUPLE_SCRATCH_TOP)(%rip), %rsp
	push	%r11
	popfq
	mov	SLOT(DECOUPLE_SLOT_SAVED_RSP), %rsp
	jmp	*%rcx
4:	mov	SLOT(DECOUPLE_SLOT_SAVED_RSP), %rsp
	sysretq
stub_entry_end:
	.section .note.GNU-stack, "", @progbits
