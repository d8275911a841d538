// SPDX-License-Identifier: GPL-2.0-only
/*
 * A decoupled program that writes over what decoupling has put into its address space.
 *
 * usage: stress_hostile -o FILE [-k KIND] [-r SEED] [-s SECONDS]
 * Waits until the slot page can be written (some kinds of KVM let user code reach it; elsewhere it never can), then writes random
 * values into it, by KIND: 0 the constant line, 1 the arguments, 2 requests of its own, 3 the reply, 4 the saved registers,
 * 5 the doorbell page, 6 the scratch stack, 7 anything in these, 8 anything from a second thread, 9 anything from a second thread that is
 * not decoupled, which reaches the page with every KVM. FILE is two 64-bit words for whoever starts this: the first counts the stores (it may
 * hang or die as it likes, but alone), the second is to be set when kind 9 may begin. The system call number is never written but with
 * numbers that do not exist: what a program may ask of Linux is no business of this test.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "include/decouple/layout.h"
#include "include/decouple/slot.h"

static volatile uint64_t *stores;
static uint64_t seed = 1;
static int kind = 7;
static double seconds = 5;
static __thread sigjmp_buf jump;

static uint64_t random64(void)
{
	uint64_t z = __atomic_add_fetch(&seed, 0x9e3779b97f4a7c15u, __ATOMIC_RELAXED);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static void on_fault(int sig)
{
	(void)sig;
	siglongjmp(jump, 1);
}

/* Where the process itself has the stub's memory. */
static uint8_t *mapped_stub(void)
{
	static uint8_t *found;
	char line[256];
	unsigned long from, to;
	FILE *f = found ? NULL : fopen("/proc/self/maps", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%lx", &from, &to) == 2 && to - from == DECOUPLE_STUB_SIZE)
			found = (uint8_t *)from;
	if (f)
		fclose(f);
	if (!found)
		siglongjmp(jump, 1);
	return found;
}

static uint8_t *block_page(unsigned offset)
{
	if (kind == 9)
		return mapped_stub() + DECOUPLE_STUB_OFF_VCPUS + offset;
	return (uint8_t *)(uintptr_t)(DECOUPLE_STUB_VA + DECOUPLE_STUB_OFF_VCPUS +
				      (kind == 8 ? random64() % 4 : 0) * DECOUPLE_VCPU_STRIDE + offset);
}

static void store32(uint8_t *page, unsigned offset, uint32_t value)
{
	*(volatile uint32_t *)(page + offset) = value;
	++*stores;
}

/* Interesting as often as random. */
static uint32_t value32(void)
{
	static const uint32_t some[] = {0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff};

	return random64() & 1 ? (uint32_t)random64() : some[random64() % 6];
}

static void attack(void)
{
	uint8_t *slot = block_page(DECOUPLE_VCPU_OFF_SLOT);
	int what = kind < 7 ? kind : (int)(random64() % 7);
	uint32_t seq;

	switch (what) {
	case 0:
		store32(slot, 4 * (unsigned)(random64() % 16), value32());
		break;
	case 1:
		store32(slot, DECOUPLE_SLOT_ARG0 + 4 * (unsigned)(random64() % 13), value32());
		break;
	case 2:
		store32(slot, DECOUPLE_SLOT_NR, (value32() | 0x1000) & ~0x40000000u);
		seq = *(volatile uint32_t *)(slot + DECOUPLE_SLOT_REQ_SEQ);
		store32(slot, DECOUPLE_SLOT_REQ_SEQ, random64() % 4 ? seq + 1 : value32());
		break;
	case 3:
		store32(slot, DECOUPLE_SLOT_RET + 4 * (unsigned)(random64() % 16), value32());
		break;
	case 4:
		store32(slot, DECOUPLE_SLOT_SAVED_RAX + 4 * (unsigned)(random64() % 16), value32());
		break;
	case 5:
		store32(block_page(DECOUPLE_VCPU_OFF_DOORBELL), 4 * (unsigned)(random64() % 1024), value32());
		break;
	default:
		store32(block_page(DECOUPLE_VCPU_OFF_SCRATCH), 4 * (unsigned)(random64() % 1024), value32());
	}
}

static void *attack_on(void *arg)
{
	for (;;) {
		if (sigsetjmp(jump, 1))
			nanosleep(&(struct timespec){0, 1000000}, NULL);
		while (kind == 9 && !stores[1])
			nanosleep(&(struct timespec){0, 1000000}, NULL);
		for (;;)
			attack();
	}
	return arg;
}

int main(int argc, char **argv)
{
	const char *file = NULL;
	char stack[32768];
	struct timespec start, now;
	pthread_t thread;
	int opt, fd;

	while ((opt = getopt(argc, argv, "o:k:r:s:")) != -1) {
		if (opt == 'o')
			file = optarg;
		else if (opt == 'k')
			kind = atoi(optarg);
		else if (opt == 'r')
			seed = strtoull(optarg, NULL, 0);
		else if (opt == 's')
			seconds = atof(optarg);
		else
			return 2;
	}
	fd = file ? open(file, O_RDWR | O_CREAT, 0600) : -1;
	if (fd < 0 || ftruncate(fd, 2 * sizeof(*stores)))
		return 2;
	stores = mmap(NULL, 2 * sizeof(*stores), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (stores == MAP_FAILED)
		return 2;
	sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof(stack)}, NULL);
	sigaction(SIGSEGV, &(struct sigaction){.sa_handler = on_fault, .sa_flags = SA_ONSTACK}, NULL);
	sigaction(SIGBUS, &(struct sigaction){.sa_handler = on_fault, .sa_flags = SA_ONSTACK}, NULL);
	printf("hostile pid=%d\n", getpid());
	fflush(stdout);
	clock_gettime(CLOCK_MONOTONIC, &start);
	if (kind >= 8)
		pthread_create(&thread, NULL, attack_on, NULL);
	do {
		if (sigsetjmp(jump, 1))
			nanosleep(&(struct timespec){0, 1000000}, NULL);
		else if (kind >= 8)
			getppid();
		else
			for (uint64_t i = 1 + random64() % 8; i; i--)
				attack();
		if (!(random64() % 4))
			getppid();
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) * 1e-9 < seconds);
	return 0;
}
