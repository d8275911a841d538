// SPDX-License-Identifier: GPL-2.0-only
// timeout: 240
// limit: 60
// Memory mapped, used and unmapped all over the address space, as V8 does with its heap: contents and code are right, also where other
// memory was before, and neither the kernel's memory nor the guest's page tables fill up with what is gone.
#include "testlib.h"

enum { rounds = 2500, live = 40, size = 64 << 10, code_every = 8, most_grown_mib = 24 };

static const unsigned char code[] = {0x8d, 0x47, 0x07, 0xc3}; /* lea 7(%rdi),%eax; ret */

/* Alone in its GiB; every address comes back with other contents. */
static char *place(int round)
{
	return (char *)(0x100000000000ul + (unsigned long)(round % (rounds - live * 3)) * (1ul << 30) +
			(unsigned long)(round % 7) * (2ul << 20));
}

static void fill(char *p, int round)
{
	for (int i = 0; i < size; i += 4096)
		*(int *)(p + i) = round + i;
}

static int wrong(const char *p, int round)
{
	int count = 0;
	for (int i = round % code_every ? 0 : 4096; i < size; i += 4096)
		count += *(const int *)(p + i) != round + i;
	if (round % code_every == 0)
		count += ((int (*)(int))(void *)p)(round) != round + 7;
	return count;
}

static long vmalloc_mib(void)
{
	char line[128];
	long kib = 0;
	FILE *f = fopen("/proc/meminfo", "r");

	CHECK(f);
	while (fgets(line, sizeof(line), f))
		sscanf(line, "VmallocUsed: %ld", &kib);
	fclose(f);
	return kib >> 10;
}

static void map(int round)
{
	int protection = PROT_READ | PROT_WRITE | (round % code_every ? 0 : PROT_EXEC);
	char *p = mmap(place(round), size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	CHECK(p == place(round));
	fill(p, round);
	if (round % code_every == 0)
		memcpy(p, code, sizeof(code));
}

int main(void)
{
	int errors = 0;
	long before, most;

	test_start();
	before = most = vmalloc_mib();
	for (int round = 0; round < rounds + live; round++) {
		if (round >= live) {
			errors += wrong(place(round - live), round - live);
			MUST(munmap(place(round - live), size));
		}
		if (round < rounds)
			map(round);
		if (round % 1000 == 0) {
			long now = vmalloc_mib();

			most = now > most ? now : most;
		}
	}
	printf("errors: %d\n", errors);
	if (most - before > most_grown_mib)
		printf("VmallocUsed grew by %ld MiB\n", most - before);
	return test_done();
}
