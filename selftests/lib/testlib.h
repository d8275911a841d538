/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every behaviour test uses: being attached at a known point, checks, skips.
 *
 * Protocol with compare.sh, which names a directory in DECOUPLE_TEST_DIR (none: a plain native run): the program writes
 * "start PID TID" to the pipe `events` and waits until byte 0 of the mapped file `control` is 1, computing, sleeping or reading
 * the pipe `go` as DECOUPLE_TEST_MODE says. At the end it writes "end PID TID" (or "native PID TID" if its thread must be native
 * by then) and computes until byte 1 is 1. In between the program must print the same natively and decoupled: no pids, no
 * addresses, no times.
 */
#ifndef DECOUPLE_SELFTESTS_TESTLIB_H
#define DECOUPLE_SELFTESTS_TESTLIB_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

/* Blocks until the thread is decoupled (in mode `call`: does not block, the attach comes during the next call). */
void test_start(void);
/* The exit status of the test; checks that the calling thread is still decoupled. */
int test_done(void);
/* The same for a test whose main thread must run natively by now: seccomp, signal 64 ... */
int test_done_native(void);
/* This run decouples the program. */
bool test_decoupled_run(void);
/* The calling thread has a vCPU thread. */
bool decoupled_now(void);

/* Ends the test: skipped, for this reason. */
void test_skip(const char *reason, ...) __attribute__((noreturn, format(printf, 1, 2)));
void test_fail(const char *file, int line, const char *what);

#define CHECK(condition)                                                                                                       \
	do {                                                                                                                   \
		if (!(condition))                                                                                              \
			test_fail(__FILE__, __LINE__, #condition);                                                             \
	} while (0)

/* CHECK for calls that set errno, without which the test makes no sense. */
#define MUST(call)                                                                                                             \
	__extension__({                                                                                                        \
		long must_result_ = (long)(call);                                                                              \
		if (must_result_ == -1) {                                                                                      \
			printf("%s:%d: %s: %s\n", __FILE__, __LINE__, #call, strerror(errno));                                 \
			exit(1);                                                                                               \
		}                                                                                                              \
		must_result_;                                                                                                  \
	})

uint64_t now_ns(void); /* CLOCK_MONOTONIC */
uint64_t clock_ns(clockid_t clock);
void busy_ms(unsigned ms); /* computes for so long */
void sleep_ms(unsigned ms);
bool between(uint64_t value, uint64_t low, uint64_t high);

/* Installs a handler with flags and an empty mask. */
void handle(int sig, void (*handler)(int, siginfo_t *, void *), int flags);
/* Sends sig to the process pid after ms, from a child process; reap it with wait_child(). */
pid_t signal_later(pid_t pid, int sig, unsigned ms);
/* Waits for a child: its exit status, or 128+N. */
int wait_child(pid_t pid);
/* One-shot or (interval_us > 0) repeating ITIMER_REAL. */
void arm_timer(unsigned first_us, unsigned interval_us);
const char *errno_name(int error); /* "EINTR" ..., "0" */

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define MS 1000000ull /* in ns */

#endif
