// SPDX-License-Identifier: GPL-2.0-only
/* mmap, munmap, mremap, brk, madvise in quick succession: contents are right, what is gone faults. */
// timeout: 90
#include "testlib.h"

#include <setjmp.h>

static sigjmp_buf back;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	siglongjmp(back, 1);
}

static bool readable(volatile uint8_t *address)
{
	if (sigsetjmp(back, 1))
		return false;
	(void)*address;
	return true;
}

static void *map(size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void churn(void)
{
	unsigned wrong = 0, ghosts = 0;

	for (unsigned i = 1; i <= 2000; i++) {
		size_t size = (i % 17 + 1) * 4096;
		uint8_t *block = map(size);
		for (size_t at = 0; at < size; at += 4096) {
			wrong += block[at] != 0;
			block[at] = i;
		}
		for (size_t at = 0; at < size; at += 4096)
			wrong += block[at] != (uint8_t)i;
		munmap(block, size);
		if (i % 50 == 0)
			ghosts += readable(block);
	}
	printf("mmap and munmap: wrong %u, ghosts %u\n", wrong, ghosts);
}

static void fixed(void)
{
	uint8_t *block = map(64 * 4096);
	unsigned wrong = 0;

	for (unsigned i = 0; i < 500; i++) {
		uint8_t *page = block + i % 64 * 4096;
		page[1] = 7;
		CHECK(mmap(page, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page);
		wrong += page[1] != 0;
	}
	munmap(block, 64 * 4096);
	printf("MAP_FIXED over itself: wrong %u\n", wrong);
}

static void move(void)
{
	unsigned wrong = 0;
	size_t size = 4096;
	uint8_t *block = map(size);

	block[5] = 77;
	for (unsigned i = 0; i < 200; i++) {
		size_t larger = size + 4096 * (i % 5 + 1);
		block = mremap(block, size, larger, MREMAP_MAYMOVE);
		wrong += block == MAP_FAILED || block[5] != 77 || block[larger - 1] != 0;
		block[size] = i;
		size = larger;
	}
	uint8_t *target = map(size), *moved = mremap(block, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, target);
	wrong += moved != target || moved[5] != 77 || readable(block);
	wrong += mremap(moved, size, 4096, 0) != moved || readable(moved + 4096);
	munmap(moved, 4096);
	printf("mremap: wrong %u\n", wrong);
}

static void heap(void)
{
	uint8_t *begin = sbrk(0);
	unsigned wrong = 0;

	for (unsigned i = 1; i <= 300; i++) {
		uint8_t *block = sbrk(40000);
		for (size_t at = 4096; at < 40000; at += 1000)
			block[at] = i;
		for (size_t at = 4096; at < 40000; at += 1000)
			wrong += block[at] != (uint8_t)i;
		if (i % 3 == 0)
			sbrk(-120000);
	}
	CHECK(brk(begin) == 0);
	wrong += readable(begin + 2 * 4096);
	printf("brk: wrong %u\n", wrong);
}

static void advise(void)
{
	uint8_t *block = map(16 << 20);
	unsigned wrong = 0;

	for (unsigned i = 1; i < 30; i++) {
		for (size_t at = 0; at < 16 << 20; at += 64 * 1024) {
			wrong += block[at] != 0;
			block[at] = i;
		}
		madvise(block, 16 << 20, MADV_DONTNEED);
	}
	memset(block, 1, 16 << 20);
	madvise(block + (4 << 20), 4 << 20, MADV_DONTNEED);
	for (size_t at = 0; at < 16 << 20; at += 4096)
		wrong += block[at] != (at < 4 << 20 || at >= 8 << 20);
	munmap(block, 16 << 20);
	printf("MADV_DONTNEED: wrong %u\n", wrong);
}

/* Far apart in the address space: guest memory comes in windows that are made when touched. */
static void far_apart(void)
{
	unsigned wrong = 0;

	for (uintptr_t i = 1; i < 60; i++) {
		uint8_t *wanted = (uint8_t *)(i << 40), *block;
		block = mmap(wanted, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		if (block == MAP_FAILED)
			continue;
		block[4096] = i;
		wrong += block[4096] != i || block[0] != 0;
		munmap(block, 8192);
		wrong += readable(block);
	}
	printf("far apart: wrong %u\n", wrong);
}

int main(void)
{
	test_start();
	handle(SIGSEGV, handler, 0);
	churn();
	fixed();
	move();
	heap();
	advise();
	far_apart();
	return test_done();
}
