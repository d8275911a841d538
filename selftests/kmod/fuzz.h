/* SPDX-License-Identifier: GPL-2.0-only */
/* What the fuzzers of the module share: numbers, how many operations, children that may die of what they do to themselves. */
#ifndef SELFTESTS_KMOD_FUZZ_H
#define SELFTESTS_KMOD_FUZZ_H

#include <grp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534
#define ANSWER_WRONG 3 /* exit status of a child that saw what must not be */

static __thread uint64_t random_state;

static inline uint64_t random64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * 0x2545f4914f6cdd1dull;
}

static inline void random_seed(uint64_t seed)
{
	random_state = seed * 0x9e3779b97f4a7c15ull | 1;
}

static inline uint64_t below(uint64_t limit)
{
	return (random64() >> 16) % limit;
}

/* Addresses that are special to the processor or to Linux; half of the time anything at all. */
static inline uint64_t hostile_address(void)
{
	static const uint64_t special[] = {
		0,
		1,
		0xfff,
		0x00007fffffffe000,
		0x00007ffffffff000,
		0x00007fffffffffff,
		0x0000800000000000,
		0x00ffffffffffffff,
		0x0100000000000000,
		0x8000000000000000,
		0xfeffffffffffffff,
		0xffff7fffffffffff,
		0xffff800000000000,
		0xffff888000001000,
		0xffffc90000000000,
		0xfffffe0000000000, /* the processor's entry area */
		0xffffffff81000000,
		0xffffffff82000000,
		0xffffffffff5ffff8,
		0xffffffffff600000, /* vsyscall */
		0xfffffffffffff000,
		0xffffffffffffffff,
	};

	return below(2) ? special[below(sizeof(special) / sizeof(special[0]))] : random64() >> below(64);
}

/* SOAK=1 asks for the long run. */
static inline int soak_wanted(void)
{
	const char *text = getenv("SOAK");

	return text && *text == '1';
}

/* argv[1], or by the environment. */
static inline uint64_t operations_of(int argc, char **argv, uint64_t usual, uint64_t soak)
{
	if (argc > 1)
		return strtoull(argv[1], NULL, 0);
	return soak_wanted() ? soak : usual;
}

static inline uint64_t seed_of(void)
{
	const char *text = getenv("SEED");

	return text ? strtoull(text, NULL, 0) : 0x5eed;
}

/* The device stays in reach: it belongs to root's group. */
static inline void become_nobody(void)
{
	gid_t group = 0;

	if (setgroups(1, &group) || setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY) ||
	    prctl(PR_SET_DUMPABLE, 1)) {
		perror("becoming nobody");
		_exit(ANSWER_WRONG);
	}
}

/*
 * Runs `round` in children until they have counted that many operations. One may die by any signal but the alarm's: then something hangs that
 * must not.
 */
static inline int run_rounds(uint64_t operations, void (*round)(volatile uint64_t *counter), unsigned seconds)
{
	volatile uint64_t *counter = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t seed = seed_of(), rounds = 0, killed = 0, idle = 0;

	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	while (*counter < operations) {
		uint64_t before = *counter;
		int status = 0;
		pid_t child = fork();

		if (!child) {
			random_seed(seed + rounds);
			alarm(seconds);
			round(counter);
			_exit(0);
		}
		if (child < 0 || waitpid(child, &status, 0) != child) {
			perror("fork or wait");
			return 1;
		}
		if ((WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) ||
		    (WIFEXITED(status) && WEXITSTATUS(status) == ANSWER_WRONG)) {
			printf("seed %#lx: wait status %x in round %lu, %lu operations\n", seed, status, rounds,
			       *counter - before);
			return 1;
		}
		killed += WIFSIGNALED(status);
		idle = *counter == before ? idle + 1 : 0;
		if (idle > 200) {
			printf("seed %#lx: 200 rounds without a single operation, the last with wait status %x\n", seed,
			       status);
			return 1;
		}
		rounds++;
	}
	printf("%lu operations in %lu processes, of which %lu were killed by what they did\n", *counter, rounds, killed);
	return 0;
}

#endif
