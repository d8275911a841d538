// SPDX-License-Identifier: GPL-2.0-only
// timeout: 120
/*
 * Random calls of /dev/decouple by nobody, from several threads: numbers, sizes, pointers, descriptors of other kinds and closed ones, other file
 * operations, fork in between. The process may be killed by what it starts in itself, and nothing else may happen.
 * usage: ioctl_fuzz [OPERATIONS]
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>

#include <decouple/gate.h>
#include <decouple/uapi.h>

#define ROUND 1500 /* operations of one process, at most */
#define POOL 32
#define MMAP_MIN 65536 /* vm.mmap_min_addr of a distribution */

extern void start_entry(void);

static const unsigned calls[] = {DECOUPLE_GET_VERSION, DECOUPLE_BIND, DECOUPLE_MAP,       DECOUPLE_START,
				 DECOUPLE_POKE,        DECOUPLE_WHY,  DECOUPLE_WHY_COUNTS};
static volatile uint64_t *counter;
static uint64_t round_start;
static _Atomic int pool[POOL];
static int device; /* bound to nobody's memory, never closed */
static char *pages; /* writable, read only, none */
static _Atomic uint64_t gate;

static void wrong(const char *what, long is)
{
	printf("%s: %ld\n", what, is);
	fflush(stdout);
	_exit(ANSWER_WRONG);
}

static int open_something(void)
{
	char path[64];

	switch (below(12)) {
	case 0:
		return eventfd(0, EFD_NONBLOCK);
	case 1:
		return memfd_create("x", 0);
	case 2:
		return open("/", O_RDONLY | O_PATH * below(2));
	case 3:
		return open("/dev/null", O_RDWR);
	case 4:
		return open("/proc/self/maps", O_RDONLY);
	case 5:
		return open("/proc/self/mem", below(2) ? O_RDONLY : O_WRONLY);
	case 6:
		snprintf(path, sizeof(path), "/proc/%d/mem", below(2) ? 1 : getppid());
		return open(path, O_RDWR);
	case 7:
		return open("/proc/self/mem", O_RDWR | O_PATH);
	case 8:
	case 9:
		return open("/proc/self/mem", O_RDWR);
	default:
		return open(DECOUPLE_DEVICE, below(8) ? O_RDWR : O_RDONLY | O_PATH * below(2));
	}
}

/* Closes what was in a place, for which its thread alone has the number. */
static void renew(unsigned place, int with)
{
	int old = atomic_exchange(&pool[place], with);

	if (old >= 0)
		close(old);
}

static int some_fd(void)
{
	return below(16) ? pool[below(POOL)] : (int)random64();
}

static void *some_argument(unsigned command)
{
	size_t size = below(4) ? _IOC_SIZE(command) : below(512);
	uint64_t words[64];

	memset(words, 0, sizeof(words));
	if (command == DECOUPLE_BIND && below(8)) {
		words[0] = (uint32_t)some_fd();
	} else if (command == DECOUPLE_MAP && below(8)) {
		words[0] = below(3) ? 0x200000000000 + (below(64) << 24) : hostile_address() & ~(below(2) ? 4095ull : 0);
		words[1] = below(8) ? below(16) * 4096 : hostile_address();
	} else if (command == DECOUPLE_START && below(8)) {
		words[0] = (uint32_t)(below(4) ? gettid() : below(2) ? getpid() : below(2) ? getppid() : (int)random64());
		words[1] = below(64) ? (uint64_t)start_entry : hostile_address();
		words[2] = hostile_address();
	}
	if (below(8) == 0)
		words[below(8)] = hostile_address();
	if (below(16) == 0)
		for (unsigned i = 0; i < 64; i++)
			words[i] = random64();
	if (below(16) == 0)
		return (void *)hostile_address();
	/* Mostly at the end of what can be read, at times over that end, or not to be written. */
	char *at = pages + 4096 * (1 + below(2)) - size + (below(8) ? 0 : below(size + 1));

	if (at + sizeof(words) <= pages + 4096)
		memcpy(at, words, sizeof(words));
	else if (at < pages + 4096)
		memcpy(at, words, (size_t)(pages + 4096 - at));
	return at;
}

static void one_ioctl(int fd)
{
	unsigned command = calls[below(sizeof(calls) / sizeof(calls[0]))];
	void *argument = some_argument(command);
	long result;

	if (command == DECOUPLE_WHY && below(16)) /* on and off takes long */
		return;
	if (below(8) == 0)
		command ^= 1u << below(32);
	if (below(32) == 0)
		command = (unsigned)random64();
	result = ioctl(fd, command, argument);
	for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (command == calls[i])
			goto known;
	/* The VFS has some for every file. */
	if (fd == device && result == 0 && _IOC_TYPE(command) == DECOUPLE_IOCTL_TYPE)
		wrong("a call that does not exist succeeds", (long)command);
known:
	if (result == 0 && command == DECOUPLE_MAP && (char *)argument >= pages && (char *)argument < pages + 4096) {
		struct decouple_map map;

		memcpy(&map, argument, sizeof(map)); /* by chance another thread's */
		if (map.gate && map.image < MMAP_MIN && map.image + map.image_size == map.gate)
			wrong("mapped where nobody may", (long)map.image);
		if (map.gate && map.image + map.image_size == map.gate)
			gate = map.gate;
	}
}

static void other_operation(int fd)
{
	char *buffer = below(2) ? pages : (char *)hostile_address();
	uint64_t at;
	void *mapped;

	switch (below(12)) {
	case 0:
		mapped = mmap(NULL, 4096 * (1 + below(600)), (int)below(8), MAP_SHARED + (int)below(2), fd,
			      (off_t)(below(4) * 4096));
		if (fd == device && mapped != MAP_FAILED)
			wrong("the device can be mapped", (long)mapped);
		return;
	case 1:
		if (fd == device && read(fd, buffer, below(9000)) > 0)
			wrong("the device can be read", 0);
		return;
	case 2:
		if (fd == device && write(fd, buffer, below(9000)) > 0)
			wrong("the device can be written", 0);
		return;
	case 3:
		poll(&(struct pollfd){fd, POLLIN | POLLOUT, 0}, 1, 0);
		return;
	case 4:
		lseek(fd, (off_t)random64(), (int)below(6));
		return;
	case 5:
		fsync(fd);
		return;
	case 6:
		fcntl(fd, (int)below(16) == F_SETLKW ? F_GETFL : (int)below(4), below(2));
		return;
	case 7:
		sendfile(pool[below(POOL)], fd, NULL, below(4096));
		return;
	case 8:
		renew((unsigned)below(POOL), open_something());
		return;
	case 9:
		renew((unsigned)below(POOL), dup(fd));
		return;
	case 10:
		if (below(16) == 0) {
			pid_t child = fork();

			if (!child) {
				one_ioctl(pool[below(POOL)]);
				one_ioctl(device);
				_exit(0);
			}
			waitpid(child, NULL, 0);
		}
		return;
	default:
		at = gate;
		if (at && below(8) == 0)
			munmap((void *)at, DECOUPLE_GATE_SIZE);
		return;
	}
}

static void *fuzz_thread(void *seed)
{
	random_seed((uint64_t)seed);
	for (;;) {
		int fd = below(2) ? device : some_fd();

		if (below(4))
			one_ioctl(fd);
		else
			other_operation(fd);
		if (__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED) - round_start > ROUND)
			return NULL;
	}
}

static void fuzz(volatile uint64_t *operations)
{
	struct decouple_version version = {0};
	pthread_t threads[3];

	counter = operations;
	round_start = *counter;
	become_nobody();
	pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(pages + 4096, 4096, PROT_READ);
	mprotect(pages + 8192, 4096, PROT_NONE);
	device = open(DECOUPLE_DEVICE, O_RDWR);
	if (device < 0)
		wrong("nobody, in the device's group, can't open it", errno);
	for (unsigned i = 0; i < POOL; i++)
		pool[i] = open_something();
	for (unsigned i = 0; i < 3; i++)
		if (pthread_create(&threads[i], NULL, fuzz_thread, (void *)random64()))
			wrong("no thread", 0);
	for (unsigned i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	if (ioctl(device, DECOUPLE_GET_VERSION, &version) || version.abi != DECOUPLE_ABI_VERSION)
		wrong("the device doesn't answer behind this", errno);
}

int main(int argc, char **argv)
{
	return run_rounds(operations_of(argc, argv, 40000, 1000000), fuzz, 60);
}
