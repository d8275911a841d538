/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ring-0 vector stubs. Nothing is handled in the guest but DECOUPLE_VECTOR_WAKE: each other vector leaves by the one exit port with all user registers intact, and
 * the resident reads the frame from the ring-0 stack. The vector follows from RIP. After the exit the resident sets RIP to the
 * iretq (retry the instruction) or replaces the state.
 */
#include "decouple/layout.h"

	.text
	.balign	DECOUPLE_PAGE_SIZE
	.globl	stub_traps, stub_traps_end
	.hidden	stub_traps, stub_traps_end
stub_traps:
	.rept	256
	.balign	DECOUPLE_TRAP_STRIDE
1:	out	%al, $DECOUPLE_PORT_TRAP
	jmp	1b
	.endr
	.org	stub_traps + DECOUPLE_TRAP_IRET
	iretq

/*
 * DECOUPLE_VECTOR_WAKE, at the top of IST1; acknowledged before the next halt (entry.S). vmm-lite/state.cc derives the interrupted state
 * from RSP at any instruction here.
 *
 * An interrupt that the processor takes between STI and HLT (it should not, but a nested hypervisor may lose the shadow of STI) would
 * have the HLT sleep for it: that is left out then.
 */
	.org	stub_traps + DECOUPLE_TRAP_WAKE
	push	%rax
	mov	8(%rsp), %rax
	test	%rax, %rax
	jns	1f
	and	$(DECOUPLE_PAGE_SIZE - 1), %eax
	cmp	$DECOUPLE_ENTRY_HLT, %eax
	jne	1f
	incq	8(%rsp)
1:	pop	%rax
	iretq
stub_traps_end:
	.section .note.GNU-stack, "", @progbits
