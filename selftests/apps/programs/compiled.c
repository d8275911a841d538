// SPDX-License-Identifier: GPL-2.0-only
/* Input for the compiler test: loops to unroll and vectorise, recursion, tables, a large switch, variable arguments. */
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROW(n)                                                                                                                 \
	{                                                                                                                      \
		n, n *n, #n                                                                                                    \
	}
#define ROWS(n) ROW(n), ROW(n + 1), ROW(n + 2), ROW(n + 3), ROW(n + 4), ROW(n + 5), ROW(n + 6), ROW(n + 7)

static const struct row {
	int key, square;
	const char *name;
} rows[] = {ROWS(0), ROWS(8), ROWS(16), ROWS(24), ROWS(32), ROWS(40), ROWS(48), ROWS(56)};

void multiply(double *restrict c, const double *restrict a, const double *restrict b, int n)
{
	for (int i = 0; i < n; i++)
		for (int k = 0; k < n; k++)
			for (int j = 0; j < n; j++)
				c[i * n + j] += a[i * n + k] * b[k * n + j];
}

uint32_t checksum(const unsigned char *p, size_t len)
{
	uint32_t crc = ~0u;
	while (len--) {
		crc ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

int evaluate(const char *program, ...)
{
	va_list args;
	int stack[64], top = 0;
	va_start(args, program);
	for (; *program; program++) {
		switch (*program) {
		case 'i':
			stack[top++] = va_arg(args, int);
			break;
		case 'd':
			stack[top++] = (int)lrint(va_arg(args, double));
			break;
		case 's':
			stack[top++] = (int)strlen(va_arg(args, const char *));
			break;
		case '+':
			top--;
			stack[top - 1] += stack[top];
			break;
		case '-':
			top--;
			stack[top - 1] -= stack[top];
			break;
		case '*':
			top--;
			stack[top - 1] *= stack[top];
			break;
		case '/':
			top--;
			stack[top - 1] /= stack[top] ? stack[top] : 1;
			break;
		case '%':
			top--;
			stack[top - 1] %= stack[top] ? stack[top] : 1;
			break;
		case '&':
			top--;
			stack[top - 1] &= stack[top];
			break;
		case '|':
			top--;
			stack[top - 1] |= stack[top];
			break;
		case '^':
			top--;
			stack[top - 1] ^= stack[top];
			break;
		default:
			if (isdigit((unsigned char)*program))
				stack[top++] = *program - '0';
		}
	}
	va_end(args);
	return top ? stack[top - 1] : 0;
}

static void quicksort(struct row *first, struct row *last)
{
	if (last - first < 2)
		return;
	struct row pivot = *(last - 1), *store = first;
	for (struct row *r = first; r < last - 1; r++)
		if ((r->key * 37) % 101 < (pivot.key * 37) % 101) {
			struct row swapped = *store;
			*store++ = *r;
			*r = swapped;
		}
	*(last - 1) = *store;
	*store = pivot;
	quicksort(first, store);
	quicksort(store + 1, last);
}

int main(void)
{
	enum { n = 96 };
	static double a[n * n], b[n * n], c[n * n];
	struct row sorted[sizeof(rows) / sizeof(rows[0])];
	for (int i = 0; i < n * n; i++) {
		a[i] = sin(i);
		b[i] = cos(i);
	}
	multiply(c, a, b, n);
	memcpy(sorted, rows, sizeof(rows));
	quicksort(sorted, sorted + sizeof(rows) / sizeof(rows[0]));
	printf("%.12g %u %d %s\n", c[17 * n + 4], checksum((const void *)"decouple", 8), evaluate("ii*s+d-", 6, 7, "abc", 2.6),
	       sorted[5].name);
	return 0;
}
