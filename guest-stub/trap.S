/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ring-0 vector stubs. Nothing is handled in the guest: each vector leaves by the one exit port with all user registers intact, and
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
stub_traps_end:
	.section .note.GNU-stack, "", @progbits
