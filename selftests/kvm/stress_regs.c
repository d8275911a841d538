// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every register of a thread stays right while the thread is captured, recoupled and interrupted from outside.
 *
 * usage: stress_regs [-a] [-s SECONDS] [-w avx512|avx2|sse2]
 * Runs rounds of the loops in stress_regs.S on random state, works out in C what must come out, and compares. Ends after SECONDS
 * (30) or at SIGTERM. SIGUSR1, SIGUSR2, SIGALRM and SIGRTMIN+1 may be sent at any time: their handlers overwrite everything that
 * a handler may. -a: a second thread that sleeps, so that the first can be recoupled and attached without taking all down.
 * Prints `rounds=N turns=N signals=N bad=N`; exit status 1 if bad is not 0.
 */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <cpuid.h>

#include "stress_regs.h"

#define FLAG_CF 0x1
#define FLAG_DF 0x400
#define FLAG_AC 0x40000
#define FLAG_ID 0x200000
/* What is left after `decq` reached zero: PF, ZF, IF and the bit that is always set; AF is not defined by what went before. */
#define FLAGS_AT_END 0x246
#define FLAG_AF 0x10
#define HWCAP2_FSGSBASE_BIT 2

enum {
	BAD_GPR = 1,
	BAD_VECTOR = 2,
	BAD_MASK = 4,
	BAD_X87 = 8,
	BAD_MXCSR = 16,
	BAD_FLAGS = 32,
	BAD_RED_ZONE = 64,
	BAD_FS = 128,
	BAD_GS = 256,
	BAD_SELECTOR = 512,
	BAD_CALL = 1024,
	BAD_STRING = 2048,
	BAD_PKRU = 4096
};

struct width {
	const char *name;
	unsigned vectors, words; /* how many registers of how many 64-bit words */
	int masks;
	void (*compute)(struct churn *), (*calls)(struct churn *), (*initial)(struct churn *);
	const char *next;
	void (*trash)(void);
};

static const struct width widths[] = {
	{"avx512", 32, 8, 1, churn_avx512_compute, churn_avx512_calls, churn_avx512_initial, churn_avx512_calls_next,
	 trash_avx512},
	{"avx2", 16, 4, 0, churn_avx2_compute, churn_avx2_calls, churn_avx2_initial, churn_avx2_calls_next, trash_avx2},
	{"sse2", 16, 2, 0, churn_sse2_compute, churn_sse2_calls, NULL, churn_sse2_calls_next, trash_sse2},
};

/* Signal frames go below the red zone of the loops' stack, several deep. */
static struct {
	char room[256 * 1024];
	struct churn c;
} arena __attribute__((aligned(4096)));

__thread uint64_t churn_fs_word;
static uint64_t gs_words[64];
static const struct width *width;
static volatile sig_atomic_t stop;
static volatile uint64_t signals;
static uint32_t pkru;
static int have_pkru;
static uint64_t seed = 88172645463325252u;

static uint64_t random64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void on_stop(int sig)
{
	(void)sig;
	stop = 1;
}

static void on_storm(int sig)
{
	(void)sig;
	signals++;
	width->trash();
}

static void *sleep_on(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static const struct width *widest(void)
{
	if (__builtin_cpu_supports("avx512bw"))
		return &widths[0];
	return __builtin_cpu_supports("avx2") ? &widths[1] : &widths[2];
}

static uint32_t read_pkru(void)
{
	uint32_t eax, edx;

	__asm__ volatile("rdpkru" : "=a"(eax), "=d"(edx) : "c"(0));
	return eax;
}

static void set_up_pkru(void)
{
	uint32_t a, b, c, d;

	have_pkru = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & (1u << 4));
	if (!have_pkru)
		return;
	pkru = read_pkru() ^ 0x30; /* key 2: no page has it, so its rights are free to be changed */
	__asm__ volatile("wrpkru" : : "a"(pkru), "c"(0), "d"(0) : "memory");
}

static void set_gs(uint64_t *base)
{
	if ((getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE_BIT) && (random64() & 1))
		__asm__ volatile("wrgsbase %0" : : "r"(base) : "memory");
	else
		syscall(SYS_arch_prctl, ARCH_SET_GS, base);
}

static void fill(struct churn *c, uint64_t turns, int kind)
{
	uint32_t masked = kind == 2 ? 0x3f : 0x3f & random64();
	uint64_t *words = (uint64_t *)c;

	memset(c, 0, sizeof(*c));
	for (unsigned i = 0; i < CHURN_RED_WORDS; i++)
		words[-1 - (int)i] = random64();
	for (unsigned i = 0; i < CHURN_GPRS; i++) {
		c->gpr_in[i] = random64();
		c->gpr_add[i] = random64();
	}
	for (unsigned i = 0; i < 8; i++)
		c->k_in[i] = random64();
	for (unsigned i = 0; i < 32 * 8; i++) {
		(&c->vec_in[0][0])[i] = random64();
		(&c->vec_add[0][0])[i] = random64();
	}
	c->count = turns;
	c->flags_in = random64() & (FLAG_DF | FLAG_AC | FLAG_ID);
	c->sys_nr = SYS_getpid;
	/* Only masked exceptions may be pending, or the next x87 instruction would raise #MF. */
	c->fx_in.fcw = 0x40 | masked | (random64() & 0x0f00);
	c->fx_in.fsw = (random64() & 0x7f00) | (random64() & masked);
	c->fx_in.ftw = 0xff;
	for (unsigned i = 0; i < 8; i++) {
		uint64_t value[2] = {random64() | 1ull << 63, random64() & 0xffff};

		memcpy(c->fx_in.st[i], value, 10);
	}
	c->fx_in.mxcsr = 0x1f80 | (random64() & 0xe03f);
	c->init_legacy.mxcsr = 0x1f80 | (random64() & 0xe03f);
}

/* RAX..R15 after the carry chain; returns the last carry. */
static unsigned chain(uint64_t gpr[CHURN_GPRS], const uint64_t add[CHURN_GPRS], uint64_t turns)
{
	unsigned char carry = 0;

	while (turns--)
		for (unsigned i = 0; i < CHURN_GPRS; i++) {
			unsigned __int128 sum = (unsigned __int128)gpr[i] + add[i] + carry;

			gpr[i] = (uint64_t)sum;
			carry = (unsigned char)(sum >> 64);
		}
	return carry;
}

static int check_x87(const struct churn *c, uint64_t turns, int initial)
{
	unsigned top;

	if (initial)
		return c->fx_out.fcw == 0x37f && c->fx_out.fsw == 0 && c->fx_out.ftw == 0;
	top = (c->fx_in.fsw >> 11 & 7) + (unsigned)(turns & 7);
	/* C1 is cleared by FCHS and FINCSTP; the other condition bits are left or undefined. */
	if (c->fx_out.fcw != c->fx_in.fcw || c->fx_out.ftw != 0xff || (c->fx_out.fsw >> 11 & 7) != (top & 7) ||
	    (c->fx_out.fsw & 0x7f) != (c->fx_in.fsw & 0x7f))
		return 0;
	for (unsigned i = 0; i < 8; i++) {
		/* st[i] of the end was st[i + turns] at the start and had its sign changed once per time it was on top. */
		unsigned was = (i + (unsigned)(turns & 7)) & 7;
		uint64_t flips = turns / 8 + (was < turns % 8);
		uint8_t want[10];

		memcpy(want, c->fx_in.st[was], 10);
		want[9] ^= (uint8_t)((flips & 1) << 7);
		if (memcmp(want, c->fx_out.st[i], 10))
			return 0;
	}
	return 1;
}

static int check(struct churn *c, uint64_t turns, int kind, const uint64_t red_in[CHURN_RED_WORDS], uint64_t fs_in,
		 const uint64_t *gs_word, uint64_t gs_in)
{
	static const uint16_t selectors[6] = {0x33, 0x2b, 0, 0, 0, 0};
	uint64_t gpr[CHURN_GPRS], base = 0;
	int initial = kind == 2, bad = 0;
	uint64_t flags;

	memcpy(gpr, c->gpr_in, sizeof(gpr));
	flags = FLAGS_AT_END | c->flags_in | (chain(gpr, c->gpr_add, turns) ? FLAG_CF : 0);
	if (memcmp(gpr, c->gpr_out, sizeof(gpr)))
		bad |= BAD_GPR;
	if ((c->flags_out & ~FLAG_AF) != flags)
		bad |= BAD_FLAGS;
	for (unsigned v = 0; v < width->vectors; v++)
		for (unsigned w = 0; w < width->words; w++) {
			uint64_t want = initial ? 0 : c->vec_in[v][w] + turns * c->vec_add[v][w];

			if (c->vec_out[v][w] != want)
				bad |= BAD_VECTOR;
		}
	for (unsigned k = 0; width->masks && k < 8; k++)
		if (c->k_out[k] != (initial ? 0 : turns & 1 ? ~c->k_in[k] : c->k_in[k]))
			bad |= BAD_MASK;
	if (c->fx_out.mxcsr != (initial ? c->init_legacy.mxcsr : c->fx_in.mxcsr))
		bad |= BAD_MXCSR;
	if (!check_x87(c, turns, initial))
		bad |= BAD_X87;
	for (unsigned i = 0; i < CHURN_RED_WORDS; i++)
		if (c->red_out[i] != red_in[i] + turns)
			bad |= BAD_RED_ZONE;
	if (churn_fs_word != fs_in + turns)
		bad |= BAD_FS;
	syscall(SYS_arch_prctl, ARCH_GET_GS, &base);
	if (*gs_word != gs_in + turns || base != (uint64_t)gs_word)
		bad |= BAD_GS;
	if (memcmp(selectors, c->selectors, sizeof(selectors)))
		bad |= BAD_SELECTOR;
	if (kind == 1 && (c->sys_rax != turns * (uint64_t)getpid() || c->sys_rcx != (uint64_t)width->next ||
			  (c->sys_r11 & (FLAG_DF | FLAG_AC | FLAG_ID)) != c->flags_in))
		bad |= BAD_CALL;
	if (have_pkru && read_pkru() != pkru)
		bad |= BAD_PKRU;
	return bad;
}

/* REP MOVSB in both directions: an interruption leaves RCX, RSI and RDI in the middle of the instruction. */
static int check_string(void)
{
	static uint8_t from[65536 + 64], to[65536 + 64];
	size_t len = 1 + random64() % 65536, left = len;
	int down = random64() & 1;
	const uint8_t *src = from + (down ? len - 1 : 0);
	uint8_t *dst = to + (down ? len - 1 : 0);

	for (size_t i = 0; i < len; i += 8)
		memcpy(from + i, &(uint64_t){random64()}, 8);
	memset(to, 0, sizeof(to));
	if (down)
		__asm__ volatile("std; rep movsb; cld" : "+S"(src), "+D"(dst), "+c"(left) : : "memory", "cc");
	else
		__asm__ volatile("rep movsb" : "+S"(src), "+D"(dst), "+c"(left) : : "memory", "cc");
	return left || memcmp(from, to, len) || to[len] || src != (down ? from - 1 : from + len) ? BAD_STRING : 0;
}

static void report(const struct churn *c, int bad, int kind, uint64_t turns, unsigned long round)
{
	printf("BAD 0x%x in round %lu, kind %d, %lu turns: flags %lx (in %lx) mxcsr %x (in %x) fcw %x/%x fsw %x/%x ftw %x\n",
	       bad, round, kind, turns, c->flags_out, c->flags_in, c->fx_out.mxcsr, c->fx_in.mxcsr, c->fx_out.fcw, c->fx_in.fcw,
	       c->fx_out.fsw, c->fx_in.fsw, c->fx_out.ftw);
	printf("  selectors cs %x ss %x ds %x es %x fs %x gs %x; call rax sum %lx rcx %lx (want %lx) r11 %lx\n",
	       c->selectors[0], c->selectors[1], c->selectors[2], c->selectors[3], c->selectors[4], c->selectors[5], c->sys_rax,
	       c->sys_rcx, (uint64_t)width->next, c->sys_r11);
}

static int one_round(unsigned long round, uint64_t *all_turns)
{
	struct churn *c = &arena.c;
	uint64_t turns = 4000 + random64() % 4000, red[CHURN_RED_WORDS], fs_in, gs_in;
	uint64_t *gs_word = &gs_words[random64() % 64];
	void (*loop)(struct churn *) = width->compute;
	int kind = 0, bad;

	if (round % 8 == 5) {
		kind = 1;
		loop = width->calls;
		turns = 1 + random64() % 40;
	} else if (round % 8 == 7 && width->initial) {
		kind = 2;
		loop = width->initial;
	}
	fill(c, turns, kind);
	for (unsigned i = 0; i < CHURN_RED_WORDS; i++)
		red[i] = ((uint64_t *)c)[-1 - (int)i];
	set_gs(gs_word);
	gs_in = *gs_word = random64();
	fs_in = churn_fs_word = random64();
	loop(c);
	*all_turns += turns;
	bad = check(c, turns, kind, red, fs_in, gs_word, gs_in);
	if (round % 8 == 3)
		bad |= check_string();
	if (bad)
		report(c, bad, kind, turns, round);
	return bad;
}

int main(int argc, char **argv)
{
	unsigned long rounds = 0, bad = 0;
	uint64_t turns = 0;
	double seconds = 30;
	struct timespec start, now;
	int opt, anchor = 0;
	pthread_t thread;

	setvbuf(stdout, NULL, _IOLBF, 0);
	width = widest();
	while ((opt = getopt(argc, argv, "as:w:")) != -1) {
		if (opt == 'a') {
			anchor = 1;
		} else if (opt == 's') {
			seconds = atof(optarg);
		} else if (opt == 'w') {
			const struct width *best = width;

			for (width = widths; width < widths + 3 && strcmp(width->name, optarg); width++)
				;
			if (width < best || width == widths + 3) {
				printf("this processor has no %s\n", optarg);
				return 4;
			}
		} else {
			return 2;
		}
	}
	signal(SIGTERM, on_stop);
	signal(SIGUSR1, on_storm);
	signal(SIGUSR2, on_storm);
	signal(SIGALRM, on_storm);
	signal(SIGRTMIN + 1, on_storm);
	if (anchor) {
		sigset_t all, old;

		sigfillset(&all);
		pthread_sigmask(SIG_BLOCK, &all, &old);
		if (pthread_create(&thread, NULL, sleep_on, NULL)) {
			puts("cannot create a thread");
			return 1;
		}
		pthread_sigmask(SIG_SETMASK, &old, NULL);
	}
	set_up_pkru();
	printf("regs pid=%d width=%s\n", getpid(), width->name);
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		bad += one_round(rounds++, &turns) != 0;
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (!stop && bad < 20 &&
		 (double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) * 1e-9 < seconds);
	printf("rounds=%lu turns=%lu signals=%lu bad=%lu\n", rounds, turns, signals, bad);
	return bad != 0;
}
