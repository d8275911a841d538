/* SPDX-License-Identifier: GPL-2.0-only */
/* The resident's image, embedded. */
	.section .rodata
	.balign	64
	.globl	resident_image, resident_image_end
resident_image:
	.incbin	"../build/resident.bin"
resident_image_end:
	.section .note.GNU-stack, "", @progbits
