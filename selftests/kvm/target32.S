/* SPDX-License-Identifier: GPL-2.0-only */
/* A 32-bit process that waits for a signal. */
	.globl _start
_start:
	mov $29, %eax /* pause */
	int $0x80
	jmp _start
	.section .note.GNU-stack, "", @progbits
