/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The repeatable random numbers of stress_fuzz, and the arguments made from them: memory that calls may read and write, names,
 * descriptors, lengths, addresses where nothing is. Each argument is logged by a name that is the same in every run.
 */
#ifndef STRESS_FUZZ_ARGUMENTS_H
#define STRESS_FUZZ_ARGUMENTS_H

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>

#include "stress_fuzz_calls.h"

#define PAGE 4096ul
#define ARENA_PAGES 4
#define ARENA_BYTES (ARENA_PAGES * PAGE)
/* Where structures are laid out in the arena; plain buffers lie in front of them. */
#define PLAIN_BYTES (ARENA_BYTES - 1024)
#define PLAYGROUND_PAGES 48
/* Far from where the kernel puts mappings by itself, so that a hole in it stays a hole. */
#define PLAYGROUND 0x123400000ul
#define ARENA 0x123500000ul
#define MAX_FD 40
#define LOG_BYTES (16u << 20)

static const char *const paths[] = {"a", "b", "c", "d", "d/x", "d/y", "l", "missing/z", "", "./a", "a/", ".", "d/../b"};
static const int signals[] = {SIGUSR1, SIGUSR2, SIGPIPE, SIGCHLD, SIGURG, SIGXFSZ, 34, 35, 36, 37};
static const uint64_t nowhere[] = {0,   1, 0x1000, 0x800000000000, 0xffff800000000000, 0xffffff8002001000, 0xfffffffffffffff8,
				   ~0ul};

/* The arena lies between a page that can only be read and one without access. */
static uint8_t *const arena = (uint8_t *)ARENA, *const readonly = (uint8_t *)(ARENA - PAGE);
static uint8_t *const playground = (uint8_t *)PLAYGROUND;
static char *text;
static size_t text_len;
static uint64_t state, seed;
static pid_t self;

static uint64_t random64(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static uint64_t below(uint64_t n)
{
	return random64() % n;
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	__builtin_va_list args;

	__builtin_va_start(args, format);
	text_len += (size_t)vsnprintf(text + text_len, LOG_BYTES - text_len, format, args);
	__builtin_va_end(args);
	if (text_len >= LOG_BYTES)
		abort();
}

/* Random contents, and behind PLAIN_BYTES the structures that arguments may point to. */
static struct pollfd *poll_area(void)
{
	return (struct pollfd *)(arena + PLAIN_BYTES);
}
static struct iovec *iovec_area(void)
{
	return (struct iovec *)(arena + PLAIN_BYTES + 128);
}
static struct timespec *time_area(void)
{
	return (struct timespec *)(arena + PLAIN_BYTES + 256);
}
static uint64_t *mask_area(void)
{
	return (uint64_t *)(arena + PLAIN_BYTES + 320);
}
static struct sockaddr_un *address_area(void)
{
	return (struct sockaddr_un *)(arena + PLAIN_BYTES + 384);
}

static uint64_t harmless_mask(void)
{
	uint64_t mask = random64();

	for (unsigned i = 0; i < 5; i++)
		mask &= ~(1ull << ((int[]){SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP}[i] - 1));
	/* Often none of ours, so that signals are not all pending for ever. */
	if (below(2))
		for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
			mask &= ~(1ull << (signals[i] - 1));
	return mask;
}

static int some_fd(void)
{
	uint64_t kind = below(20);

	return kind == 0 ? -1 : kind == 1 ? 63 : kind == 2 ? 100000 : 3 + (int)below(kind < 14 ? 16 : MAX_FD - 3);
}

static void fill_arena(void)
{
	for (size_t i = 0; i < ARENA_BYTES; i += 8)
		memcpy(arena + i, &(uint64_t){random64()}, 8);
	for (unsigned i = 0; i < 8; i++)
		poll_area()[i] = (struct pollfd){some_fd(), (short)below(64), (short)0x5555};
	for (unsigned i = 0; i < 8; i++)
		iovec_area()[i] =
			(struct iovec){below(12) ? arena + below(PLAIN_BYTES - 512) : (void *)nowhere[below(8)], below(512)};
	time_area()[0] = (struct timespec){0, (long)below(20000)};
	if (!below(6))
		time_area()[0].tv_nsec = -1;
	mask_area()[0] = harmless_mask();
	memset(address_area(), 0, sizeof(struct sockaddr_un));
	address_area()->sun_family = below(10) ? AF_UNIX : AF_INET;
	strcpy(address_area()->sun_path, paths[below(3)]);
}

/* A bad address: never one that could come to be mapped. */
static uint64_t bad_address(void)
{
	uint64_t which = below(11);

	say("%s ", which < 8 ? "nowhere" : which == 8 ? "guard" : which == 9 ? "readonly" : "across");
	return which < 8    ? nowhere[which]
	       : which == 8 ? (uint64_t)arena + ARENA_BYTES
	       : which == 9 ? (uint64_t)readonly
			    : (uint64_t)arena + ARENA_BYTES - 8 * below(4) - 4;
}

static uint64_t buffer(int may_play)
{
	uint64_t which = below(100), offset = below(PLAIN_BYTES);

	if (which < 12)
		return bad_address();
	if (which < 18 && may_play) {
		offset = below(PLAYGROUND_PAGES * PAGE);
		say("play+%lu ", offset);
		return PLAYGROUND + offset;
	}
	offset &= which < 90 ? ~7ul : ~0ul;
	say("buf+%lu ", offset);
	return (uint64_t)arena + offset;
}

static uint64_t wild(void)
{
	static const uint64_t some[] = {0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, ~0ul, 1ul << 63, ~0ul >> 1};

	return below(2) ? some[below(10)] : random64();
}

static uint64_t length(void)
{
	static const uint64_t odd[] = {0, 1, 7, 8, 4095, 4096, 0x7fffffff, 0x7ffff000, ~0ul, 1ul << 31};

	return below(4) ? below(700) : odd[below(10)];
}

static uint64_t argument(const struct call *call, char kind)
{
	uint64_t value;
	unsigned n = 1;

	switch (kind) {
	case 'f':
		value = (uint64_t)some_fd();
		break;
	case 'b':
		return buffer(!strchr(call->flags, 'N'));
	case 'n':
		value = length();
		break;
	case 'p':
		if (!below(12))
			return bad_address();
		value = below(sizeof(paths) / sizeof(paths[0]));
		say("'%s' ", paths[value]);
		return (uint64_t)paths[value];
	case 't':
		say("time ");
		return below(12) ? (uint64_t)time_area() : (uint64_t)arena + ARENA_BYTES;
	case 'k':
		say("mask ");
		return below(12) ? (uint64_t)mask_area() : bad_address();
	case 'v':
		say("iov ");
		return below(12) ? (uint64_t)iovec_area() : bad_address();
	case 'l':
		say("polls ");
		return below(12) ? (uint64_t)poll_area() : bad_address();
	case 'x':
		say("address ");
		return below(12) ? (uint64_t)address_area() : bad_address();
	case 'w':
		value = below(PLAYGROUND_PAGES) * PAGE + (below(10) ? 0 : below(PAGE));
		say("play+%lu ", value);
		return PLAYGROUND + value;
	case 'q':
		value = (1 + below(12)) * PAGE - (below(10) ? 0 : below(PAGE));
		break;
	case 'P':
		say("self ");
		return (uint64_t)self;
	case 's':
		value = below(12) ? (uint64_t)signals[below(sizeof(signals) / sizeof(signals[0]))] : below(2) ? 0 : 65;
		break;
	case 'o':
		value = below(8) ? below(200000) : (uint64_t[]){0, ~0ul, 1ul << 63, 1ul << 62}[below(4)];
		break;
	case 'i':
		value = below(16) ? below(20) : (uint64_t[]){~0ul, 0x7fffffff, 0x80000000, 100}[below(4)];
		break;
	case 'V':
	case 'L':
		value = below(12) ? below(8) : (uint64_t[]){~0ul, 1025, 0x80000000, 8}[below(kind == 'V' ? 4 : 1)];
		break;
	case 'r':
		value = wild();
		break;
	case 'a':
		value = (uint64_t)AT_FDCWD;
		break;
	case 'c':
		while (n < 10 && call->choices[n])
			n++;
		value = (uint64_t)call->choices[below(n)];
		break;
	default:
		value = (uint64_t)(kind - '0');
	}
	say("%ld ", (long)value);
	return value;
}

#endif
