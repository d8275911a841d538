// SPDX-License-Identifier: GPL-2.0-only
/* Write barriers as garbage collectors use them: thousands of protected pages, each write faults, is noted and goes on. */
// timeout: 120
// modes: run compute read run+follow
#include "testlib.h"

#define PAGES 512

static uint8_t *heap, dirty[PAGES];
static volatile sig_atomic_t faults;
static atomic_int stop;

static void handler(int sig, siginfo_t *info, void *context)
{
	size_t page = ((uint8_t *)info->si_addr - heap) / 4096;

	(void)sig, (void)context;
	if (page >= PAGES)
		_exit(3);
	faults++;
	dirty[page] = 1;
	mprotect(heap + page * 4096, 4096, PROT_READ | PROT_WRITE);
}

static void *reader(void *argument)
{
	volatile uint64_t *sum = argument;

	while (!stop)
		for (unsigned page = 0; page < PAGES; page += 7)
			*sum += heap[page * 4096 + 9];
	return NULL;
}

int main(void)
{
	uint64_t sum = 0;
	pthread_t thread;

	test_start();
	heap = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(heap, 0, PAGES * 4096);
	handle(SIGSEGV, handler, 0);
	for (unsigned round = 1; round <= 8; round++) {
		unsigned wrong = 0;
		if (round == 5)
			pthread_create(&thread, NULL, reader, &sum);
		faults = 0;
		memset(dirty, 0, sizeof(dirty));
		mprotect(heap, PAGES * 4096, PROT_READ);
		for (unsigned i = 0; i < PAGES; i++)
			if (i % round == 0)
				heap[i * 4096 + i] += round;
		for (unsigned i = 0; i < PAGES; i++)
			if (dirty[i] != (i % round == 0))
				wrong++;
		printf("round %u: faults %d, wrong %u\n", round, (int)faults, wrong);
	}
	stop = 1;
	pthread_join(thread, NULL);
	unsigned total = 0;
	for (unsigned i = 0; i < PAGES; i++)
		total += heap[i * 4096 + i];
	printf("contents %u\n", total);
	return test_done();
}
