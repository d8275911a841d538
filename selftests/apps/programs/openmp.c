// SPDX-License-Identifier: GPL-2.0-only
/* OpenMP over libgomp: loops, reductions, tasks, critical sections, barriers, nested regions. All sums are exact. */
#include <fcntl.h>
#include <omp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { n = 400, rounds = 60, products = 8 };
static int64_t a[n][n], b[n][n], c[n][n];

static void gate(void)
{
	const char *path = getenv("APP_GATE");
	char ready[4096];

	if (!path)
		return;
	snprintf(ready, sizeof(ready), "%s.ready", path);
	close(open(ready, O_CREAT | O_WRONLY, 0644));
	/* The team exists and works while the process is attached. */
	for (volatile int open_now = 0; !open_now;) {
#pragma omp parallel for
		for (int i = 0; i < n; i++)
			for (int j = 0; j < n; j++)
				c[i][j] += i ^ j;
		open_now = !access(path, F_OK);
	}
}

static int fibonacci(int k)
{
	int x, y;

	if (k < 2)
		return k;
	if (k < 12)
		return fibonacci(k - 1) + fibonacci(k - 2);
#pragma omp task shared(x)
	x = fibonacci(k - 1);
#pragma omp task shared(y)
	y = fibonacci(k - 2);
#pragma omp taskwait
	return x + y;
}

int main(void)
{
	int64_t sum = 0, ordered_sum = 0, critical = 0, atomic = 0;
	int fib = 0, team = 0, inner = 0;

	gate();
#pragma omp parallel for
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++) {
			a[i][j] = i * 31 + j;
			b[i][j] = i - j * 17;
			c[i][j] = 0;
		}
	for (int round = 0; round < products; round++) {
#pragma omp parallel for schedule(dynamic, 8)
		for (int i = 0; i < n; i++)
			for (int k = 0; k < n; k++)
				for (int j = 0; j < n; j++)
					c[i][j] += a[i][k] * b[k][(j + round) % n];
	}
#pragma omp parallel for reduction(+ : sum) collapse(2)
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			sum += c[i][j] % 1000003;

	for (int round = 0; round < rounds; round++) {
#pragma omp parallel num_threads(4)
		{
#pragma omp critical
			critical += round;
#pragma omp barrier
#pragma omp atomic
			atomic += critical % 1000;
#pragma omp single
			team = omp_get_num_threads();
		}
	}
#pragma omp parallel for ordered reduction(+ : inner)
	for (int i = 0; i < 500; i++) {
		inner += i;
#pragma omp ordered
		ordered_sum = ordered_sum * 7 % 1000003 + i;
	}
#pragma omp parallel
#pragma omp single
	fib = fibonacci(24);
	printf("sum %ld critical %ld atomic %ld ordered %ld inner %d fib %d team %d\n", sum, critical, atomic, ordered_sum,
	       inner, fib, team);
	return 0;
}
