/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The system call entry (LSTAR): publishes the call in the slot, waits for the reply, returns to user code. No VM exit unless a side sleeps.
 *
 * The page is copied to the start of each vCPU's block, so everything is addressed relative to RIP. It runs at CPL 0 on SVM and VMX
 * and at CPL 3 on PVM, where SYSCALL does not raise the privilege: no privileged instruction but SYSRETQ and what belongs to the
 * exchange and the halt, which are reached at CPL 0 only.
 *
 * On entry: RAX number, RDI RSI RDX R10 R8 R9 arguments, RCX return RIP, R11 RFLAGS, RSP the user's, interrupts off at CPL 0.
 * On exit:  RAX result, RCX and R11 as on entry (as after a native SYSCALL), everything else unchanged.
 * RSP is scratch in between: every vector has its own stack (RSP0, IST1), so nothing is pushed here.
 *
 * vmm-lite/state.cc derives the user's state from RIP at any instruction of this page; the labels mark where the rule changes.
 */
#include "decouple/exchange.h"
#include "decouple/layout.h"
#include "decouple/slot.h"

#define SLOT(off) (stub_entry + DECOUPLE_VCPU_OFF_SLOT + (off))(%rip)
#define XSAVE (stub_entry + DECOUPLE_VCPU_OFF_EXCHANGE + DECOUPLE_EXCHANGE_XSAVE)(%rip)
#define REG(name) (stub_entry + DECOUPLE_VCPU_OFF_EXCHANGE + DECOUPLE_EXCHANGE_REGS + DECOUPLE_EXCHANGE_##name)(%rip)
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
	cmpl	$0, SLOT(DECOUPLE_SLOT_HALTS)
	jne	7f
	mov	%eax, DOORBELL(DECOUPLE_DOORBELL_WAIT)	/* MMIO exit; back when replied */
2:	mov	SLOT(DECOUPLE_SLOT_SPIN), %esp
	jmp	1b
3:	cmpl	$DECOUPLE_REPLY_RETURN, SLOT(DECOUPLE_SLOT_REPLY)
	jne	5f
	mov	SLOT(DECOUPLE_SLOT_RET), %rax
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

/* The exchange; see decouple/exchange.h. CPL 0. */
5:	cmpl	$DECOUPLE_REPLY_LOAD, SLOT(DECOUPLE_SLOT_REPLY)
	je	6f
	mov	%rbx, REG(RBX)
	mov	%rcx, REG(RCX)
	mov	%rdx, REG(RDX)
	mov	%rsi, REG(RSI)
	mov	%rdi, REG(RDI)
	mov	%rbp, REG(RBP)
	mov	%r8,  REG(R8)
	mov	%r9,  REG(R9)
	mov	%r10, REG(R10)
	mov	%r11, REG(R11)
	mov	%r12, REG(R12)
	mov	%r13, REG(R13)
	mov	%r14, REG(R14)
	mov	%r15, REG(R15)
	rdfsbase %rax
	mov	%rax, REG(FS_BASE)
	rdgsbase %rax
	mov	%rax, REG(GS_BASE)
	mov	$-1, %eax
	mov	$-1, %edx
	xsave64	XSAVE
	mov	REG(RDX), %rdx
	jmp	stub_entry_rsp_saved
6:	mov	$-1, %eax
	mov	$-1, %edx
	xrstor64 XSAVE
	mov	REG(FS_BASE), %rax
	wrfsbase %rax
	mov	REG(GS_BASE), %rax
	wrgsbase %rax
	mov	REG(RBX), %rbx
	mov	REG(RCX), %rcx
	mov	REG(RDX), %rdx
	mov	REG(RSI), %rsi
	mov	REG(RDI), %rdi
	mov	REG(RBP), %rbp
	mov	REG(R8),  %r8
	mov	REG(R9),  %r9
	mov	REG(R10), %r10
	mov	REG(R11), %r11
	mov	REG(R12), %r12
	mov	REG(R13), %r13
	mov	REG(R14), %r14
	mov	REG(R15), %r15
	mov	REG(RAX), %rax
	lea	REG(RIP), %rsp
	iretq

/*
 * The halt. CPL 0. The last halt's interrupt is acknowledged only now: nobody waits for that, and those that come too late don't disturb the
 * program meanwhile. One that is pending comes at once, and is for nothing. EAX is kept.
 */
7:	movabs	$(DECOUPLE_STUB_VA + DECOUPLE_STUB_OFF_APIC), %rsp
	movl	$0, DECOUPLE_APIC_EOI(%rsp)
	mov	$1, %esp
	xchg	%esp, SLOT(DECOUPLE_SLOT_VCPU_HALTED)	/* the barrier pairs with those of who replies: gate.cc: gate_answer */
	cmp	%eax, SLOT(DECOUPLE_SLOT_REP_SEQ)
	je	8f
	jmp	9f
	.org	stub_entry + DECOUPLE_ENTRY_HLT - 1
9:	sti
	hlt
	cli
8:	movl	$0, SLOT(DECOUPLE_SLOT_VCPU_HALTED)
	jmp	2b
stub_entry_end:
	.section .note.GNU-stack, "", @progbits
