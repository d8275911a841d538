/* SPDX-License-Identifier: GPL-2.0-only */
/* A process that uses the module on itself: binds it, maps the gate, makes gate calls. For tests of the module without the resident. */
#ifndef SELFTESTS_KMOD_GATE_CLIENT_H
#define SELFTESTS_KMOD_GATE_CLIENT_H

#include <asm/unistd.h>

#define HANDLE_SIZE 4096
#define SYNC 4 /* MS_SYNC */

#ifndef __ASSEMBLER__
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "decouple/gate.h"
#include "decouple/uapi.h"

/* Read by gate_entry.S. */
extern uint64_t gate_address;

/* The entry of a captured thread, RDI its frame's number: leaves the gate again, by gate_how[frame], behind gate_calls[frame] calls of getpid. */
extern void gate_entry(void);
extern uint64_t gate_how[8], gate_calls[8], gate_results[8];

static inline long gate_call(uint64_t call, uint64_t frame, uint64_t arg)
{
	register uint64_t r10 __asm__("r10") = call, r8 __asm__("r8") = frame, r9 __asm__("r9") = arg;
	long ret = __NR_msync;

	__asm__ volatile("syscall"
			 : "+a"(ret)
			 : "D"(gate_address), "S"((uint64_t)HANDLE_SIZE), "d"((uint64_t)SYNC), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

static inline volatile struct decouple_frame *gate_frame(unsigned index)
{
	return (volatile struct decouple_frame *)(gate_address + DECOUPLE_GATE_PAGE * (1 + index));
}

#define CHECK(condition)                                                                                                       \
	do {                                                                                                                   \
		if (!(condition)) {                                                                                            \
			printf("%s:%d: not so: %s (errno %s)\n", __FILE__, __LINE__, #condition, strerrorname_np(errno));      \
			exit(1);                                                                                               \
		}                                                                                                              \
	} while (0)

/* The open device, bound to this process, with the gate mapped behind the page at `place`. */
static inline int gate_open_at(uint64_t place)
{
	int device = open(DECOUPLE_DEVICE, O_RDWR | O_CLOEXEC), memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	struct decouple_bind bind = {.mem_fd = memory};
	struct decouple_map map = {.image = place, .image_size = 4096};

	CHECK(device >= 0 && memory >= 0);
	munmap((void *)place, 4096); /* of a parent that has one */
	CHECK(ioctl(device, DECOUPLE_BIND, &bind) == 0);
	CHECK(ioctl(device, DECOUPLE_MAP, &map) == 0);
	close(memory);
	gate_address = map.gate;
	return device;
}

/* The process may have vCPU threads on these cores, the first 64 of the machine at most. */
static inline void gate_use_cores(int device, uint64_t cores)
{
	struct decouple_cores c = {.cores = {cores}};

	CHECK(ioctl(device, DECOUPLE_USE_CORES, &c) == 0);
}

static inline int gate_open(void)
{
	return gate_open_at(0x100000000000);
}

/* A session with its gate's stack. */
static inline void gate_session(unsigned index, int tid)
{
	volatile struct decouple_frame *f = gate_frame(index);
	char *stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	f->entry = (uint64_t)gate_entry;
	f->entry_rsp = (uint64_t)stack + 65536;
	f->entry_rdi = index;
	CHECK(gate_call(DECOUPLE_GATE_ADD, index, (uint64_t)tid) == 0);
}

/* Waits until the thread has been captured more than `before` times; false after some `ms`. */
static inline int gate_captured(unsigned index, uint64_t before, int ms)
{
	for (int i = 0; i < 10 * ms; i++) {
		if (gate_frame(index)->captures > before)
			return 1;
		nanosleep(&(struct timespec){0, 100000}, NULL);
	}
	return 0;
}

#endif
#endif
