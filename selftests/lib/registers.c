// SPDX-License-Identifier: GPL-2.0-only
/* Patterns and comparisons of registers.h. */
#include "registers.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

_Static_assert(offsetof(struct registers, rflags) == 120, "registers_code.S");
_Static_assert(offsetof(struct vectors, k) == 2048 && offsetof(struct vectors, st) == 2112 &&
		       offsetof(struct vectors, mxcsr) == 2240 && offsetof(struct vectors, fcw) == 2244,
	       "registers_code.S");

static const char *const names[] = {"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8",
				    "r9",  "r10", "r11", "r12", "r13", "r14", "r15", "rflags"};

int vectors_level(void)
{
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
		return VECTORS_AVX512;
	return __builtin_cpu_supports("avx") ? VECTORS_AVX : VECTORS_SSE;
}

void vectors_fill(struct vectors *vectors, unsigned seed)
{
	memset(vectors, 0, sizeof(*vectors));
	for (unsigned n = 0; n < 32; n++)
		for (unsigned i = 0; i < 64; i++)
			vectors->zmm[n][i] = seed + n * 67 + i * 3;
	for (unsigned n = 0; n < 8; n++) {
		vectors->k[n] = 0x0123456789abcdefull * (seed + n + 1);
		for (unsigned i = 0; i < 7; i++)
			vectors->st[n][i] = seed + n * 11 + i;
		vectors->st[n][7] = 0x80 | n; /* explicit integer bit */
		vectors->st[n][8] = 0xf0 + n; /* exponent of an ordinary number */
		vectors->st[n][9] = 0x3f;
	}
	vectors->mxcsr = 0x1f80 | (seed & 3) << 13 | 0x8000; /* all masked, rounding by seed, flush to zero */
	vectors->fcw = 0x037f | (seed & 3) << 10;
}

static bool same(const void *a, const void *b, size_t size, const char *what, unsigned n, const char *when)
{
	if (!memcmp(a, b, size))
		return true;
	printf("%s: %s%u differs\n", when, what, n);
	return false;
}

bool vectors_equal(const struct vectors *a, const struct vectors *b, int level, const char *when)
{
	static const size_t sizes[] = {16, 32, 64};
	bool equal = true;

	for (unsigned n = 0; n < (level == VECTORS_AVX512 ? 32 : 16); n++)
		equal &= same(a->zmm[n], b->zmm[n], sizes[level], "zmm", n, when);
	for (unsigned n = 0; n < 8; n++) {
		if (level == VECTORS_AVX512)
			equal &= same(&a->k[n], &b->k[n], 8, "k", n, when);
		equal &= same(a->st[n], b->st[n], 10, "st", n, when);
	}
	equal &= same(&a->mxcsr, &b->mxcsr, 4, "mxcsr", 0, when);
	return equal & same(&a->fcw, &b->fcw, 2, "fcw", 0, when);
}

void registers_fill(struct registers *registers, unsigned seed)
{
	uint64_t *words = (uint64_t *)registers; /* all members are of this type */

	for (unsigned n = 0; n < 15; n++)
		words[n] = 0x9e3779b97f4a7c15ull * (seed * 16 + n + 1);
	registers->rflags = 0x202;
}

bool registers_equal(const struct registers *a, const struct registers *b, const char *except, const char *when)
{
	const uint64_t *left = (const uint64_t *)a, *right = (const uint64_t *)b;
	bool equal = true;

	for (unsigned n = 0; n < 16; n++) {
		const char *hit = strstr(except, names[n]);
		size_t len = strlen(names[n]);
		if ((hit && (hit[len] == ' ' || !hit[len])) || left[n] == right[n])
			continue;
		printf("%s: %s differs in bits %#llx\n", when, names[n], (unsigned long long)(left[n] ^ right[n]));
		equal = false;
	}
	return equal;
}
