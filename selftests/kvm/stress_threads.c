// SPDX-License-Identifier: GPL-2.0-only
/*
 * A busy multi-threaded process whose result does not depend on how its threads are scheduled.
 *
 * usage: stress_threads [-t THREADS] [-u UNITS] [-s SECONDS]
 * Workers do units of work: map memory, fill it from the unit's number, copy it, checksum both copies, change its protection,
 * unmap it, and pass the checksum through a bounded queue (mutex and condition variables) to the main thread, which works the
 * checksum out again without memory and compares. Every 16th unit is done by a thread created for it. With UNITS (per worker) the
 * process ends by itself and prints a sum that is always the same for the same numbers; otherwise it works until SECONDS or SIGTERM.
 * SIGUSR1: the workers come to rest, `quiet` is printed, and nothing is mapped, opened or created until SIGUSR2.
 * Prints `units=N sum=HEX bad=N`; exit status 1 if bad is not 0.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MAX_THREADS 64
#define QUEUE 8
#define COPY_BYTES 65536
#define MAX_PAGES 48

struct item {
	uint64_t unit, sum;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER, drained = PTHREAD_COND_INITIALIZER, rest = PTHREAD_COND_INITIALIZER;
/* Protected by lock. */
static struct item queue[QUEUE];
static unsigned head, used, working, resting;
static int quiet;
static int stop;
static unsigned long bad;

static unsigned threads = 4;
static uint64_t units_each;
static uint8_t copies[MAX_THREADS][COPY_BYTES];
static volatile sig_atomic_t asked_stop, asked_quiet;

static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static uint64_t checksum(const uint64_t *words, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum = (sum << 7 | sum >> 57) ^ words[i];
	return sum;
}

static size_t pages_of(uint64_t unit)
{
	uint64_t state = unit;

	return 1 + next(&state) % MAX_PAGES;
}

/* What a unit's checksum must be. */
static uint64_t expected(uint64_t unit)
{
	uint64_t state = ~unit, sum = 0;

	for (size_t i = 0; i < pages_of(unit) * 512; i++)
		sum = (sum << 7 | sum >> 57) ^ next(&state);
	return sum;
}

static void complain(const char *what, uint64_t unit)
{
	pthread_mutex_lock(&lock);
	if (bad++ < 10)
		printf("BAD %s in unit %lx\n", what, unit);
	pthread_mutex_unlock(&lock);
}

static uint64_t work(uint64_t unit, uint8_t *copy)
{
	size_t bytes = pages_of(unit) * 4096, done = 0;
	uint64_t state = ~unit, sum, copied = 0;
	uint64_t *words = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (words == MAP_FAILED) {
		complain("mmap", unit);
		return 0;
	}
	for (size_t i = 0; i < bytes / 8; i++)
		words[i] = next(&state);
	if (mprotect(words, bytes, PROT_READ))
		complain("mprotect", unit);
	sum = checksum(words, bytes / 8);
	for (; done < bytes; done += COPY_BYTES) {
		size_t part = bytes - done < COPY_BYTES ? bytes - done : COPY_BYTES;

		memcpy(copy, (uint8_t *)words + done, part);
		if (memcmp(copy, (uint8_t *)words + done, part))
			complain("memcpy", unit);
		copied += part;
	}
	if (copied != bytes || munmap(words, bytes))
		complain("munmap", unit);
	return sum;
}

struct helper {
	uint64_t unit, sum;
	uint8_t *copy;
};

static void *help(void *arg)
{
	struct helper *helper = arg;

	helper->sum = work(helper->unit, helper->copy);
	return NULL;
}

static void pass_on(struct item item)
{
	pthread_mutex_lock(&lock);
	while (used == QUEUE)
		pthread_cond_wait(&drained, &lock);
	queue[(head + used++) % QUEUE] = item;
	pthread_cond_signal(&filled);
	while (quiet) {
		resting++;
		pthread_cond_signal(&filled);
		pthread_cond_wait(&rest, &lock);
		resting--;
	}
	pthread_mutex_unlock(&lock);
}

static void *labour(void *arg)
{
	uintptr_t self = (uintptr_t)arg;

	for (uint64_t n = 0; !(units_each ? n == units_each : __atomic_load_n(&stop, __ATOMIC_RELAXED)); n++) {
		struct helper helper = {.unit = (uint64_t)self << 32 | n, .copy = copies[self]};
		pthread_t thread;

		if (n % 16 || pthread_create(&thread, NULL, help, &helper))
			help(&helper);
		else
			pthread_join(thread, NULL);
		pass_on((struct item){helper.unit, helper.sum});
	}
	pthread_mutex_lock(&lock);
	working--;
	pthread_cond_signal(&filled);
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void on_signal(int sig)
{
	if (sig == SIGTERM)
		asked_stop = 1;
	else
		asked_quiet = sig == SIGUSR1;
}

/* Called with lock held: looks at what signals have asked for. */
static void obey(double seconds, const struct timespec *start)
{
	static int announced;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (asked_stop || (seconds > 0 && (double)(now.tv_sec - start->tv_sec) > seconds))
		__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	quiet = asked_quiet && !stop;
	if (!quiet)
		pthread_cond_broadcast(&rest);
	if (quiet && !announced && resting == working && !used) {
		announced = 1;
		puts("quiet");
	}
	announced &= quiet;
}

int main(int argc, char **argv)
{
	struct timespec start, until;
	pthread_t worker[MAX_THREADS];
	uint64_t units = 0, sum = 0;
	double seconds = 0;
	char deep[65536];
	int opt;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((opt = getopt(argc, argv, "t:u:s:")) != -1) {
		if (opt == 't')
			threads = (unsigned)atoi(optarg);
		else if (opt == 'u')
			units_each = strtoull(optarg, NULL, 0);
		else if (opt == 's')
			seconds = atof(optarg);
		else
			return 2;
	}
	if (threads < 1 || threads > MAX_THREADS)
		return 2;
	/* Grown now: signal frames of a capture must not show as growth later. */
	memset(deep, 1, sizeof(deep));
	__asm__ volatile("" : : "r"(deep) : "memory");
	signal(SIGTERM, on_signal);
	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, on_signal);
	clock_gettime(CLOCK_MONOTONIC, &start);
	working = threads;
	for (uintptr_t i = 0; i < threads; i++)
		if (pthread_create(&worker[i], NULL, labour, (void *)i)) {
			puts("cannot create a thread");
			return 1;
		}
	printf("threads pid=%d\n", getpid());
	pthread_mutex_lock(&lock);
	while (working || used) {
		struct item item;

		obey(seconds, &start);
		if (!used) {
			clock_gettime(CLOCK_REALTIME, &until);
			until.tv_nsec += 5000000;
			until.tv_sec += until.tv_nsec / 1000000000;
			until.tv_nsec %= 1000000000;
			pthread_cond_timedwait(&filled, &lock, &until);
			continue;
		}
		item = queue[head];
		head = (head + 1) % QUEUE;
		used--;
		pthread_cond_signal(&drained);
		pthread_mutex_unlock(&lock);
		if (item.sum != expected(item.unit))
			complain("checksum", item.unit);
		units++;
		sum += item.sum * (item.unit | 1);
		pthread_mutex_lock(&lock);
	}
	pthread_mutex_unlock(&lock);
	for (unsigned i = 0; i < threads; i++)
		pthread_join(worker[i], NULL);
	printf("units=%lu sum=%016lx bad=%lu\n", units, sum, bad);
	return bad != 0;
}
