// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 32-bit caller of the device has the same calls with the same structures: tried by int 0x80, the 32-bit entry of the kernel, from
 * 64-bit code. No call of it reaches the gate, which is no place for 32-bit code.
 */
#include "calls.h"

#include <decouple/gate.h>

#define IOCTL_32 54
#define MSYNC_32 144

static long call_32(long nr, long a, long b, long c)
{
	long ret = nr;

	__asm__ volatile("int $0x80" : "+a"(ret) : "b"(a), "c"(b), "d"(c) : "r8", "r9", "r10", "r11", "memory");
	return (int)ret;
}

static long ioctl_32(int fd, unsigned int cmd, void *arg)
{
	return call_32(IOCTL_32, fd, cmd, (long)arg);
}

/* R8 to R10 as a gate call of 64-bit code would have them. */
static long gate_call_32(long gate, __u64 call, __u64 frame, __u64 arg)
{
	register __u64 r10 __asm__("r10") = call, r8 __asm__("r8") = frame, r9 __asm__("r9") = arg;
	long ret = MSYNC_32;

	__asm__ volatile("int $0x80"
			 : "+a"(ret), "+r"(r8), "+r"(r9), "+r"(r10)
			 : "b"(gate), "c"(4096l), "d"((long)MS_SYNC)
			 : "r11", "memory");
	return (int)ret;
}

int main(void)
{
	size_t size = 4096 + DECOUPLE_GATE_SIZE;
	int device = open_device();
	/* What a 32-bit caller can name. */
	char *low = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	char *room = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	struct decouple_version version = {0}, *version_32 = (void *)low;
	struct decouple_bind *bind = (void *)low;
	struct decouple_map *map = (void *)low;
	struct decouple_start *start = (void *)low;
	struct decouple_cores *cores = (void *)low;
	long gate;

	REQUIRE(low != MAP_FAILED && room != MAP_FAILED);
	if (ioctl_32(device, 0, NULL) == -ENOSYS)
		test_skip("this kernel has no 32-bit system calls");
	REQUIRE(munmap(room, size) == 0);
	REQUIRE(ioctl_32(device, 0, NULL) == -ENOTTY);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (!_IOC_SIZE(calls[i].cmd))
			continue;
		/* The upper half of the pointer is not there. */
		REQUIRE(ioctl_32(device, calls[i].cmd, (void *)0x7ffff000) == -EFAULT);
		for (const struct reserved_field *field = calls[i].reserved; field->size; field++) {
			memset(low, 0, 4096);
			low[field->offset + field->size - 1] = 1;
			REQUIRE(ioctl_32(device, calls[i].cmd, low) == -EINVAL);
		}
		REQUIRE(ioctl_32(device, calls[i].cmd ^ (4 << _IOC_SIZESHIFT), low) == -ENOTTY);
	}
	memset(low, 0, 4096);
	MUST(ioctl(device, DECOUPLE_GET_VERSION, &version));
	REQUIRE(ioctl_32(device, DECOUPLE_GET_VERSION, low) == 0 && !memcmp(version_32, &version, sizeof(version)));
	memset(low, 0, 4096);
	REQUIRE(ioctl_32(device, DECOUPLE_GET_CORES, low) == 0 && cores->cores[0] & 1);
	memset(low, 0, 4096);
	REQUIRE(ioctl_32(device, DECOUPLE_POKE, NULL) == -ENXIO);
	bind->mem_fd = 1000000;
	REQUIRE(ioctl_32(device, DECOUPLE_BIND, low) == -EBADF);
	bind->mem_fd = (int)MUST(open("/proc/self/mem", O_RDWR));
	REQUIRE(ioctl_32(device, DECOUPLE_BIND, low) == 0);
	REQUIRE(ioctl_32(device, DECOUPLE_POKE, NULL) == 0);
	memset(low, 0, 4096);
	cores->cores[0] = 1;
	REQUIRE(ioctl_32(device, DECOUPLE_USE_CORES, low) == 0);
	memset(low, 0, 4096);
	map->image = (__u64)room;
	map->image_size = 4096;
	REQUIRE(ioctl_32(device, DECOUPLE_MAP, low) == 0);
	gate = (long)map->gate;
	REQUIRE(gate == (long)room + 4096);
	memset(low, 0, 4096);
	start->tid = 1;
	REQUIRE(ioctl_32(device, DECOUPLE_START, low) == -ESRCH);

	/* Neither sessions nor wakes: the gate's calls are those of 64-bit code. */
	REQUIRE(gate_call_32(gate, DECOUPLE_GATE_ADD, 0, (__u64)getpid()) == -ENOSYS);
	REQUIRE(gate_call_32(gate, DECOUPLE_GATE_POKE, 0, 0) == -ENOSYS);
	REQUIRE(gate_call_32(gate, DECOUPLE_GATE_CAPTURE, 0, 0) == -ENOSYS);
	printf("a 32-bit caller has the same calls\n");
	return 0;
}
