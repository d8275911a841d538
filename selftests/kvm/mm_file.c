// SPDX-License-Identifier: GPL-2.0-only
/* File mappings, private and shared, memory shared with another process, memfd, read and write into mapped memory. */
#include "testlib.h"

#include <sys/uio.h>

static void files(void)
{
	char path[] = "/tmp/decouple-test-XXXXXX", buffer[32] = "";
	int fd = MUST(mkstemp(path));

	unlink(path);
	MUST(ftruncate(fd, 1 << 20));
	uint8_t *shared = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	uint8_t *private = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	memcpy(shared + 5000, "mapped", 7);
	MUST(pread(fd, buffer, 7, 5000));
	printf("written to the mapping, read: %s\n", buffer);
	MUST(pwrite(fd, "written", 8, 9000));
	printf("written, seen in the mappings: %s %s\n", shared + 9000, private + 9000);
	memcpy(private + 9000, "private", 8);
	MUST(pwrite(fd, "third", 6, 9000));
	printf("after a private write: %s %s\n", shared + 9000, private + 9000);
	MUST(pread(fd, private + 20000, 7, 5000));
	printf("read into the mapping: %s\n", private + 20000);
	MUST(msync(shared, 1 << 20, MS_SYNC));
	unsigned wrong = 0;
	for (unsigned i = 0; i < 1 << 20; i++)
		shared[i] = i * 7;
	for (unsigned i = 0; i < 1 << 20; i += 4096) {
		MUST(pread(fd, buffer, 16, i));
		wrong += memcmp(buffer, shared + i, 16) != 0;
	}
	printf("a mebibyte: wrong %u\n", wrong);
	MUST(ftruncate(fd, 4096));
	MUST(ftruncate(fd, 1 << 20));
	printf("after truncation: %d %d\n", shared[4095], shared[4097]);
	close(fd);
	munmap(shared, 1 << 20);
	munmap(private, 1 << 20);
}

static void between_processes(void)
{
	_Atomic uint32_t *word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child = MUST(fork());

	if (!child) {
		for (unsigned i = 0; i < 2000; i++) {
			while (!(atomic_load(word) & 1))
				;
			atomic_fetch_add(word, 1);
		}
		_exit(0);
	}
	for (unsigned i = 0; i < 2000; i++) {
		atomic_fetch_add(word, 1);
		while (atomic_load(word) & 1)
			;
	}
	printf("ping-pong with a child: %u, child %d\n", *word, wait_child(child));
}

static unsigned count_set(const uint8_t *bytes)
{
	unsigned set = 0;

	for (unsigned i = 0; i < 1 << 20; i++)
		set += bytes[i] != 0;
	return set;
}

static void transfers(void)
{
	int fd = MUST(memfd_create("test", 0)), fds[2];
	char *memory, in[64] = "", out[] = "through a pipe";

	MUST(ftruncate(fd, 8192));
	memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	strcpy(memory + 4000, "memfd");
	MUST(pread(fd, in, 6, 4000));
	printf("memfd: %s\n", in);
	MUST(pipe(fds));
	struct iovec parts[2] = {{out, 5}, {out + 5, sizeof(out) - 5}};
	MUST(writev(fds[1], parts, 2));
	MUST(read(fds[0], memory + 4090, sizeof(out))); /* across two pages, the second untouched */
	printf("pipe into fresh pages: %s\n", memory + 4090);
	uint8_t *fresh = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int random = MUST(open("/dev/urandom", O_RDONLY));
	for (ssize_t got = 0; got < 1 << 20;)
		got += MUST(read(random, fresh + got, (1 << 20) - got));
	unsigned set = count_set(fresh);
	printf("a large read into fresh pages: %d\n", set > 1000000);
	pid_t child = MUST(fork());
	if (!child) {
		bool same = count_set(fresh) == set;
		memset(fresh, 0, 1 << 20);
		_exit(same ? 0 : 1);
	}
	printf("copied to a child: %d, untouched by it: %d\n", wait_child(child) == 0, count_set(fresh) == set);
}

int main(void)
{
	test_start();
	files();
	between_processes();
	transfers();
	return test_done();
}
