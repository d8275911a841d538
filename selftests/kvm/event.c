// SPDX-License-Identifier: GPL-2.0-only
// timeout: 60
/*
 * Waiting for eventfds: read(2) and poll(2) give what they give natively, whoever signals: counts, semaphores, which descriptors, timeouts,
 * signals with and without SA_RESTART, other descriptors among them, two readers, buffers that can't be written or lie on two pages.
 */
#include "testlib.h"

#include <poll.h>
#include <sys/eventfd.h>

struct later {
	int fd;
	unsigned ms;
	uint64_t value;
};

static void *signal_event(void *arg)
{
	struct later *l = arg;

	sleep_ms(l->ms);
	MUST(write(l->fd, &l->value, l->value ? 8 : 1)); /* 0: one byte into a pipe */
	return NULL;
}

static pthread_t later(struct later *l)
{
	pthread_t thread;

	MUST(-pthread_create(&thread, NULL, signal_event, l));
	return thread;
}

/* All numbers that come within the time in which the other thread ends. */
static void reads(const char *what, int flags, uint64_t value, unsigned times)
{
	int fd = MUST(eventfd(0, flags));
	struct later l = {fd, 30, value};
	pthread_t thread = later(&l);
	uint64_t n;

	while (times--) {
		n = 0xdeadbeef;
		printf("%s: %zd", what, read(fd, &n, sizeof(n)));
		printf(" %llu\n", (unsigned long long)n);
	}
	pthread_join(thread, NULL);
	close(fd);
}

static void polls(void)
{
	int first = MUST(eventfd(0, 0)), second = MUST(eventfd(0, EFD_SEMAPHORE)), ends[2];
	struct later l = {second, 30, 2};
	struct pollfd fds[3] = {{first, POLLIN, 0x55}, {second, POLLIN | POLLPRI, 0x66}};
	uint64_t start = now_ns();
	pthread_t thread = later(&l);
	int n = poll(fds, 2, -1);

	printf("poll: %d %x %x, %s\n", n, fds[0].revents, fds[1].revents, now_ns() - start > 20000000 ? "later" : "at once");
	pthread_join(thread, NULL);
	n = poll(fds, 2, 5000);
	printf("ready: %d %x %x\n", n, fds[0].revents, fds[1].revents);
	start = now_ns();
	n = poll(fds, 1, 60);
	printf("timeout: %d %x, %s\n", n, fds[0].revents, now_ns() - start >= 60000000 ? "in time" : "early");
	n = poll(fds, 1, 0);
	printf("no wait: %d\n", n);
	n = ppoll(fds, 2, NULL, NULL);
	printf("ppoll: %d\n", n);
	MUST(pipe(ends));
	fds[1].fd = ends[0];
	l = (struct later){ends[1], 30, 0};
	thread = later(&l);
	n = poll(fds, 2, -1);
	printf("with a pipe: %d %x %x\n", n, fds[0].revents, fds[1].revents);
	pthread_join(thread, NULL);
	fds[1].fd = -1;
	l = (struct later){first, 30, 7};
	thread = later(&l);
	n = poll(fds, 2, 10000);
	printf("with none: %d %x %x\n", n, fds[0].revents, fds[1].revents);
	pthread_join(thread, NULL);
	fds[1].fd = 999;
	n = poll(fds + 1, 1, 1000);
	printf("closed: %d %x\n", n, fds[1].revents);
}

static volatile sig_atomic_t handled;

static void count(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	handled++;
}

static void interrupted(const char *what, int flags, bool polled)
{
	int fd = MUST(eventfd(0, 0));
	struct pollfd poll_fd = {fd, POLLIN, 0};
	struct later l = {fd, 150, 9};
	uint64_t n = 0;
	pthread_t thread;
	pid_t child;
	long result;
	int error;

	handled = 0;
	handle(SIGUSR1, count, flags);
	/* The other thread blocks it: it is for this one. */
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	thread = later(&l);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	child = signal_later(getpid(), SIGUSR1, 40);
	result = polled ? poll(&poll_fd, 1, 20000) : read(fd, &n, sizeof(n));
	error = result < 0 ? errno : 0;
	printf("%s: %ld, errno %d, %llu, handled %d\n", what, result, error, (unsigned long long)n, handled);
	wait_child(child);
	pthread_join(thread, NULL);
	close(fd);
}

static void buffers(void)
{
	int fd = MUST(eventfd(0, 0));
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct later l = {fd, 30, 0x1122334455667788};
	uint64_t n;
	pthread_t thread = later(&l);

	printf("two pages: %zd", read(fd, pages + 4093, 8));
	memcpy(&n, pages + 4093, 8);
	printf(" %llx\n", (unsigned long long)n);
	pthread_join(thread, NULL);
	MUST(mprotect(pages, 4096, PROT_READ));
	l.value = 5;
	thread = later(&l);
	printf("read-only: %zd", read(fd, pages, 8));
	printf(", errno %d\n", errno);
	pthread_join(thread, NULL);
	printf("small: %zd", read(fd, pages + 4096, 7));
	printf(", errno %d\n", errno);
	close(fd);
	fd = MUST(eventfd(0, EFD_NONBLOCK));
	printf("not to block: %zd", read(fd, &n, 8));
	printf(", errno %d\n", errno);
	close(fd);
}

static void *reader(void *arg)
{
	uint64_t n = 0;

	MUST(read(*(int *)arg, &n, sizeof(n)));
	return (void *)n;
}

static void two_readers(void)
{
	int fd = MUST(eventfd(0, 0));
	struct later l = {fd, 60, 3};
	pthread_t other, thread;
	uint64_t n = 0, sum;
	void *theirs;

	MUST(-pthread_create(&other, NULL, reader, &fd));
	thread = later(&l);
	struct later again = {fd, 120, 4};
	pthread_t more = later(&again);
	MUST(read(fd, &n, sizeof(n)));
	pthread_join(other, &theirs);
	pthread_join(thread, NULL);
	pthread_join(more, NULL);
	sum = n + (uint64_t)theirs;
	printf("two readers: %llu in sum\n", (unsigned long long)sum);
	close(fd);
}

#define ROUNDS 3000
static int there, back;

static void *answer(void *unused)
{
	uint64_t n;

	(void)unused;
	for (int i = 0; i < ROUNDS; i++) {
		MUST(read(there, &n, 8));
		n++;
		MUST(write(back, &n, 8));
	}
	return NULL;
}

static void ping_pong(void)
{
	uint64_t sum = 0, n;
	pthread_t thread;

	there = MUST(eventfd(0, 0));
	back = MUST(eventfd(0, 0));
	MUST(-pthread_create(&thread, NULL, answer, NULL));
	for (uint64_t i = 1; i <= ROUNDS; i++) {
		struct pollfd fd = {back, POLLIN, 0};

		MUST(write(there, &i, 8));
		if (i % 3 == 0)
			CHECK(poll(&fd, 1, -1) == 1 && fd.revents == POLLIN);
		MUST(read(back, &n, 8));
		sum += n;
	}
	pthread_join(thread, NULL);
	printf("ping-pong: %llu\n", (unsigned long long)sum);
}

int main(void)
{
	test_start();
	reads("read", 0, 5, 1);
	reads("semaphore", EFD_SEMAPHORE, 3, 3);
	polls();
	interrupted("read, restarted", SA_RESTART, false);
	interrupted("read, not restarted", 0, false);
	interrupted("poll, restarted", SA_RESTART, true);
	interrupted("poll, not restarted", 0, true);
	buffers();
	two_readers();
	ping_pong();
	return test_done();
}
