// SPDX-License-Identifier: GPL-2.0-only
/*
 * DECOUPLE_MAP maps where it was told and nothing else: refuses other sizes and addresses, what is in use stays; the gate can't be
 * split, moved, or made executable, and the child of fork() has none; there is one gate, whoever asks at the same time. What an attach that
 * came to nothing has mapped goes with its device.
 */
#include "calls.h"

#include <grp.h>
#include <sys/prctl.h>

#include <decouple/gate.h>

#define IMAGE_SIZE (64ul * 1024)

static int map_error(int device, __u64 image, __u64 size, __u64 *gate)
{
	struct decouple_map map = {.image = image, .image_size = size};
	int error = error_of(device, DECOUPLE_MAP, &map);

	*gate = map.gate;
	return error;
}

static int bound_device(void)
{
	struct decouple_bind bind = {.mem_fd = (__s32)MUST(open("/proc/self/mem", O_RDWR | O_CLOEXEC))};
	int device = open_device();

	MUST(ioctl(device, DECOUPLE_BIND, &bind));
	close(bind.mem_fd);
	return device;
}

static unsigned int mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned int lines = 0;
	int byte;

	REQUIRE(maps);
	while ((byte = getc(maps)) != EOF)
		lines += byte == '\n';
	fclose(maps);
	return lines;
}

static long gate_add(__u64 gate, __u64 frame, __u64 tid)
{
	register __u64 call __asm__("r10") = DECOUPLE_GATE_ADD, r8 __asm__("r8") = frame, r9 __asm__("r9") = tid;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "0"(__NR_msync), "D"(gate), "S"(DECOUPLE_GATE_PAGE), "d"(MS_SYNC), "r"(call), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

static bool mapped(const char *at)
{
	unsigned char resident;

	return mincore((void *)at, 4096, &resident) == 0 || errno != ENOMEM;
}

static void refusals(int device, char *room)
{
	static const __u64 sizes[] = {0, 1, 4095, 4097, (16ul << 20) + 4096, 1ull << 63, -4096ull, -1ull};
	/* From the end of what 5 levels of page tables reach. */
	static const __u64 images[] = {
		1, 0x0100000000000000 - 2 * 4096, 0x0100000000000000, 0xffff800000000000, 0xffffffff81000000, -4096ull};
	unsigned int before = mappings();
	__u64 gate;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		REQUIRE(map_error(device, (__u64)room, sizes[i], &gate) == EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(images); i++) {
		int error = map_error(device, images[i], IMAGE_SIZE, &gate);

		if (error != EINVAL && error != ENOMEM) {
			printf("image at %#llx: %s\n", (unsigned long long)images[i], errno_name(error));
			exit(1);
		}
	}
	REQUIRE(mappings() == before);

	/* In use: where the image goes, then where the gate goes. */
	for (size_t at = 0; at <= IMAGE_SIZE; at += IMAGE_SIZE) {
		char *used = mmap(room + at, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

		REQUIRE(used == room + at);
		memset(used, 0x5a, 4096);
		before = mappings();
		REQUIRE(map_error(device, (__u64)room, IMAGE_SIZE, &gate) == EEXIST);
		REQUIRE(used[0] == 0x5a && used[4095] == 0x5a && mappings() == before);
		MUST(munmap(used, 4096));
	}
}

/* Where vm.mmap_min_addr keeps the likes of nobody out, there is no way round by us. */
static void lowest_addresses(void)
{
	pid_t child = (pid_t)MUST(fork());
	__u64 gate;

	if (child == 0) {
		int device;

		MUST(setgroups(1, &(gid_t){0})); /* the device's */
		MUST(setresgid(65534, 65534, 65534));
		MUST(setresuid(65534, 65534, 65534));
		MUST(prctl(PR_SET_DUMPABLE, 1));
		device = bound_device();
		for (__u64 at = 0; at < 65536; at += 4096)
			if (map_error(device, at, 4096, &gate) != EPERM)
				_exit(1);
		_exit(0);
	}
	REQUIRE(wait_child(child) == 0);
}

/* Two controllers of one process, at the same time: one gate. */
static pthread_barrier_t barrier;

static void *map_at(void *at)
{
	int device = bound_device();
	__u64 gate;

	pthread_barrier_wait(&barrier);
	return (void *)(uintptr_t)map_error(device, (__u64)at, IMAGE_SIZE, &gate);
}

/* What is in use; what remains of a failure must not hit the gate that the other one has got. */
static void *map_in_vain(void *used)
{
	int device = bound_device();
	__u64 gate;

	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 20; i++)
		REQUIRE(map_error(device, (__u64)used, IMAGE_SIZE, &gate) != 0);
	return NULL;
}

static void failures_of_another(void *used)
{
	for (int i = 0; i < 10; i++) {
		pid_t child = (pid_t)MUST(fork());

		if (child == 0) {
			pthread_t thread;
			void *error;
			__u64 gate;

			pthread_barrier_init(&barrier, NULL, 2);
			REQUIRE(pthread_create(&thread, NULL, map_in_vain, (void *)((uintptr_t)used & ~4095ul)) == 0);
			error = map_at((void *)0x100000000000ul); /* or EBUSY: the other one is at it */
			REQUIRE(pthread_join(thread, NULL) == 0);
			REQUIRE(error == NULL || (uintptr_t)error == EBUSY);
			if (!error)
				REQUIRE(map_error(bound_device(), 0x200000000000, IMAGE_SIZE, &gate) == EBUSY);
			_exit(0);
		}
		REQUIRE(wait_child(child) == 0);
	}
}

static void two_controllers(void)
{
	for (int i = 0; i < 20; i++) {
		pid_t child = (pid_t)MUST(fork());

		if (child == 0) {
			void *errors[2];
			pthread_t threads[2];

			pthread_barrier_init(&barrier, NULL, 2);
			for (unsigned n = 0; n < 2; n++)
				REQUIRE(pthread_create(&threads[n], NULL, map_at, (void *)(0x100000000000ul * (n + 1))) == 0);
			for (unsigned n = 0; n < 2; n++)
				REQUIRE(pthread_join(threads[n], &errors[n]) == 0);
			REQUIRE((errors[0] == NULL) + (errors[1] == NULL) == 1);
			REQUIRE((uintptr_t)errors[0] + (uintptr_t)errors[1] == EBUSY);
			_exit(0);
		}
		REQUIRE(wait_child(child) == 0);
	}
}

int main(void)
{
	int device = bound_device();
	size_t size = IMAGE_SIZE + DECOUPLE_GATE_SIZE;
	char *room = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *image, *gate_page;
	__u64 gate, again;
	pid_t child;

	REQUIRE(room != MAP_FAILED);
	MUST(munmap(room, size));
	refusals(device, room);
	lowest_addresses();
	two_controllers();
	failures_of_another(&barrier);

	REQUIRE(map_error(device, (__u64)room, IMAGE_SIZE, &gate) == 0);
	image = room;
	gate_page = room + IMAGE_SIZE;
	REQUIRE(gate == (__u64)gate_page);
	for (size_t i = 0; i < IMAGE_SIZE; i++)
		REQUIRE(image[i] == 0);
	memset(image, 0xc3, IMAGE_SIZE);
	((void (*)(void))image)();
	REQUIRE(map_error(device, (__u64)room, IMAGE_SIZE, &again) == EBUSY);

	/* The frames can be read and written; the gate's shape is fixed. */
	for (size_t i = 1; i <= DECOUPLE_GATE_FRAMES; i++) {
		REQUIRE(gate_page[i * 4096] == 0);
		gate_page[i * 4096] = 1;
	}
	REQUIRE(mprotect(gate_page, DECOUPLE_GATE_SIZE, PROT_READ | PROT_EXEC) == -1 && errno == EACCES);
	REQUIRE(munmap(gate_page, 4096) == -1 && errno == EINVAL);
	REQUIRE(mremap(gate_page, DECOUPLE_GATE_SIZE, DECOUPLE_GATE_SIZE + 4096, MREMAP_MAYMOVE) == MAP_FAILED);
	REQUIRE(mremap(gate_page, DECOUPLE_GATE_SIZE, DECOUPLE_GATE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, room + (1ul << 30)) ==
		MAP_FAILED);

	child = (pid_t)MUST(fork());
	if (child == 0)
		_exit(mapped(gate_page) || !mapped(image));
	REQUIRE(wait_child(child) == 0);

	/* Without a session it goes with the device; with one it outlives that, and goes as mappings go. */
	close(device);
	REQUIRE(!mapped(gate_page) && !mapped(image));
	device = bound_device();
	REQUIRE(map_error(device, (__u64)room, IMAGE_SIZE, &gate) == 0);
	gate_page[4096] = 1;
	REQUIRE(gate_add(gate, 1, getpid()) == 0);
	close(device);
	REQUIRE(gate_page[4096] == 1);
	MUST(munmap(gate_page, DECOUPLE_GATE_SIZE));
	MUST(munmap(image, IMAGE_SIZE));
	printf("image and gate, where they were asked for\n");
	return 0;
}
