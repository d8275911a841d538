// SPDX-License-Identifier: GPL-2.0-only
/*
 * A random but repeatable sequence of system calls and what each of them did, in a form that is the same in every run.
 *
 * usage: stress_fuzz [-f FIRST] [-n CALLS] [-p PAUSE_US] SEED
 * Must be started in an empty directory, which it litters. Each call depends on SEED, its number and the state left by those before
 * it. The log names descriptors and lengths as they are, addresses by what they point to, process ids by whose they are, and
 * gives a hash of the memory that the call could write. Whoever runs it twice compares the logs. -f and -n: only a part of the
 * sequence; -p: sleeps between calls, so that there is time to move the process about meanwhile.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stress_fuzz_arguments.h"

static char top[4096];
static volatile int caught[64];
static volatile unsigned caught_count;
static sigjmp_buf fault_jump;
static volatile sig_atomic_t fault_armed;
static int being_moved; /* somebody stops, decouples and recouples us */

static long raw_call(long nr, const uint64_t a[6])
{
	register uint64_t r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4], r9 __asm__("r9") = a[5];
	long ret = nr;

	__asm__ volatile("syscall"
			 : "+a"(ret)
			 : "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

static void on_signal(int sig)
{
	if (caught_count < 64)
		caught[caught_count] = sig;
	caught_count++;
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (!fault_armed)
		_exit(99);
	fault_armed = 0;
	say(" signal %d code %d at %+ld", sig, info->si_code, (long)info->si_addr - (long)PLAYGROUND);
	siglongjmp(fault_jump, 1);
}

static uint64_t hash(const uint8_t *bytes, size_t len)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i += 8) {
		uint64_t word;

		memcpy(&word, bytes + i, 8);
		h = (h ^ word) * 0x100000001b3u;
		h ^= h >> 29;
	}
	return h;
}

/* One of those that share the kernel's anonymous inode, which has no type. */
static int anonymous(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && !(st.st_mode & S_IFMT);
}

static void from_table(void)
{
	const struct call *call = &calls[below(sizeof(calls) / sizeof(calls[0]))];
	uint64_t a[6] = {0};
	long ret;

	fill_arena();
	say("%s( ", call->name);
	for (unsigned i = 0; call->args[i]; i++)
		a[i] = argument(call, call->args[i]);
	if ((being_moved && strchr(call->flags, 'S')) || (strchr(call->flags, 'A') && anonymous((int)a[0]))) {
		say(") left out");
		return;
	}
	/* The kernel looks at the low half of the number only. */
	ret = raw_call(below(16) || call->nr < 0 ? call->nr : (long)((uint64_t)call->nr | 0x500000000), a);
	if (strchr(call->flags, 'P') && ret == self)
		say(") = self");
	else if (strchr(call->flags, 'T') && ret >= 0)
		say(") = some");
	else
		say(") = %ld", ret);
	if (!strchr(call->flags, 'N'))
		say(" %016lx", hash(arena, ARENA_BYTES));
}

static void do_mmap(void)
{
	static const int prots[] = {0, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC, PROT_WRITE, 7};
	uint64_t page = below(PLAYGROUND_PAGES), pages = 1 + below(PLAYGROUND_PAGES - page);
	int prot = prots[below(6)], shared = (int)below(2), anonymous = (int)below(2), fd = anonymous ? -1 : some_fd();
	off_t offset = (off_t)(below(8) * PAGE);
	void *p = mmap(playground + page * PAGE, pages * PAGE, prot,
		       MAP_FIXED | (shared ? MAP_SHARED : MAP_PRIVATE) | (anonymous ? MAP_ANONYMOUS : 0), fd, offset);

	say("mmap %lu+%lu prot %d shared %d fd %d offset %ld: %d", page, pages, prot, shared, fd, (long)offset,
	    p == MAP_FAILED ? errno : 0);
}

static void do_mremap(void)
{
	uint64_t page = below(PLAYGROUND_PAGES - 16), pages = 1 + below(8), to = below(PLAYGROUND_PAGES - 16),
		 size = 1 + below(12);
	int flags = (int)below(4);
	/* Without MREMAP_FIXED a moved mapping would lie where the process has its own; so it may only move to a place of ours. */
	void *p = mremap(playground + page * PAGE, pages * PAGE, size * PAGE, flags == 1 ? 0 : flags, playground + to * PAGE);

	if (flags == 1)
		flags = 0;
	say("mremap %lu+%lu to %lu+%lu flags %d: %ld", page, pages, to, size, flags,
	    p == MAP_FAILED ? -(long)errno : ((uint8_t *)p - playground) / (long)PAGE);
}

/* Reads and writes the playground as a program does, faults and all. */
static void do_touch(void)
{
	volatile uint8_t *p = playground + below(PLAYGROUND_PAGES * PAGE);
	int write = (int)below(2);
	volatile uint8_t value = (uint8_t)random64();

	say("%s play+%ld:", write ? "store" : "load", (long)(p - playground));
	if (!sigsetjmp(fault_jump, 1)) {
		fault_armed = 1;
		if (write)
			*p = value;
		else
			value = *p;
		fault_armed = 0;
		say(" %d", value);
	}
}

static void do_sigaction(void)
{
	int sig = signals[below(10)];
	struct sigaction action, old;

	memset(&action, 0, sizeof(action));
	memset(&old, 0, sizeof(old));
	action.sa_handler = below(6) ? on_signal : SIG_IGN;
	action.sa_flags = (int)(random64() & (SA_RESTART | SA_NODEFER | SA_ONSTACK));
	*(uint64_t *)&action.sa_mask = harmless_mask();
	int ret = sigaction(sig, &action, &old);
	say("sigaction %d flags %x: %d, was %s flags %x mask %lx", sig, action.sa_flags, ret,
	    old.sa_handler == on_signal ? "handled"
	    : old.sa_handler == SIG_IGN ? "ignored"
					: "default",
	    old.sa_flags & 0x7bffffff, *(uint64_t *)&old.sa_mask);
}

static void do_sigmask(void)
{
	uint64_t set = harmless_mask(), old = 0;
	int how = (int)below(4), ret = (int)syscall(SYS_rt_sigprocmask, how, &set, &old, 8);

	say("sigprocmask %d %lx: %d, was %lx", how, set, ret ? errno : 0, old);
}

static void do_stat(void)
{
	const char *path = paths[below(sizeof(paths) / sizeof(paths[0]))];
	int fd = some_fd(), which = (int)below(3), ret;
	struct stat st = {0};

	ret = which == 0 ? fstat(fd, &st) : which == 1 ? stat(path, &st) : lstat(path, &st);
	if (ret)
		say("stat %d %d %s: errno %d", which, fd, path, errno);
	else
		say("stat %d %d %s: mode %o links %lu size %ld owner %u", which, fd, path, st.st_mode, st.st_nlink,
		    (long)st.st_size, st.st_uid);
}

static void do_fork(void)
{
	int code = (int)below(128), status = 0, by_signal = !below(4);
	pid_t pid = fork();

	if (!pid) {
		if (by_signal)
			raise(SIGKILL);
		_exit(getppid() == self ? code : 250);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	say("fork: child's status %x", status);
}

static void do_exec(void)
{
	int status = 0;
	pid_t pid = vfork();

	if (!pid) {
		execl("/bin/sh", "sh", "-c", "exit 7", (char *)NULL);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	say("vfork and exec: status %x", status);
}

static void *thread_main(void *arg)
{
	*(uint64_t *)arg = *(uint64_t *)arg * 3 + (gettid() != self);
	return arg;
}

static void do_thread(void)
{
	uint64_t value = below(1000), before = value;
	pthread_t thread;
	void *ret = NULL;
	int err = pthread_create(&thread, NULL, thread_main, &value);

	if (!err)
		pthread_join(thread, &ret);
	say("thread: %d, %lu to %lu", err, before, value);
}

static void do_chdir(void)
{
	int into = (int)below(3);

	say("chdir %d: %d", into, chdir(into == 0 ? "d" : top) ? errno : 0);
}

static void do_affinity(void)
{
	cpu_set_t all, set;
	int ret;

	sched_getaffinity(0, sizeof(all), &all);
	CPU_ZERO(&set);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &all) && below(2))
			CPU_SET(i, &set);
	ret = sched_setaffinity(0, sizeof(set), &set) ? errno : 0;
	say("affinity %lx of %lx: %d", *(uint64_t *)&set, *(uint64_t *)&all, ret);
	sched_getaffinity(0, sizeof(set), &set);
	say(", now %lx", *(uint64_t *)&set);
	sched_setaffinity(0, sizeof(all), &all);
}

static void one_call(void)
{
	static void (*const special[])(void) = {do_mmap,      do_mremap,  do_touch, do_touch,
						do_sigaction, do_sigmask, do_stat,  do_chdir};
	static void (*const rare[])(void) = {do_fork, do_exec, do_thread, do_affinity};
	uint64_t which = below(200);

	if (which == 0)
		rare[below(4)]();
	else if (which < 60)
		special[which % 8]();
	else
		from_table();
}

static void map_at(uint8_t *at, size_t pages)
{
	if (mmap(at, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == at)
		return;
	printf("the place at %p is taken\n", (void *)at);
	exit(1);
}

static int set_up(void)
{
	struct rlimit core = {0, 0}, files = {64, 64}, bytes = {1 << 20, 1 << 20};
	stack_t stack = {.ss_size = 65536,
			 .ss_sp = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)};
	struct sigaction fault = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	int fds[4], fd;

	/* select(2) looks at as many descriptors as the table has room for, and that is a matter of what was open in whoever forked us. */
	dup2(0, 255);
	close_range(3, ~0u, 0);
	umask(022);
	setrlimit(RLIMIT_CORE, &core);
	setrlimit(RLIMIT_NOFILE, &files);
	/* Holes count as little as they cost, until something copies them: this bounds what the whole sequence can take. */
	if (setrlimit(RLIMIT_FSIZE, &bytes))
		return 0;
	map_at(readonly, ARENA_PAGES + 2);
	map_at(playground, PLAYGROUND_PAGES);
	mprotect(readonly, PAGE, PROT_READ);
	mprotect(arena + ARENA_BYTES, PAGE, PROT_NONE);
	sigaltstack(&stack, NULL);
	sigaction(SIGSEGV, &fault, NULL);
	sigaction(SIGBUS, &fault, NULL);
	for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], on_signal);
	text = mmap(NULL, LOG_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	self = getpid();
	fd = open("a", O_RDWR | O_CREAT, 0644);
	if (text == (char *)MAP_FAILED || !getcwd(top, sizeof(top)) || mkdir("d", 0755) || fd < 0)
		return 0;
	/* Something to work with from the first call on. */
	return !ftruncate(fd, 3 * PAGE + 100) && pwrite(fd, "first", 5, 0) == 5 &&
	       open("b", O_RDWR | O_CREAT | O_APPEND, 0644) >= 0 && !pipe2(fds, O_NONBLOCK) &&
	       !socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) &&
	       !socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds) && (fd = memfd_create("m", 0)) >= 0 &&
	       !ftruncate(fd, 8 * PAGE) && syscall(SYS_eventfd2, 3, O_NONBLOCK) >= 0 && syscall(SYS_epoll_create1, 0) >= 0;
}

int main(int argc, char **argv)
{
	unsigned long first = 0, count = 3000, pause_us = 0;
	int opt;

	while ((opt = getopt(argc, argv, "f:n:p:")) != -1) {
		unsigned long *value = opt == 'f' ? &first : opt == 'n' ? &count : &pause_us;

		if (opt == '?')
			return 2;
		*value = strtoul(optarg, NULL, 0);
	}
	being_moved = pause_us != 0;
	if (optind + 1 != argc)
		return 2;
	seed = strtoull(argv[optind], NULL, 0);
	if (!set_up()) {
		perror("set-up");
		return 1;
	}
	for (unsigned long i = first; i < first + count; i++) {
		state = seed << 32 ^ i * 0xd1342543de82ef95u;
		say("%lu ", i);
		one_call();
		for (unsigned n = 0; n < caught_count && n < 64; n++)
			say(" [%d]", caught[n]);
		if (caught_count > 64)
			say(" and %u more", caught_count - 64);
		caught_count = 0;
		say("\n");
		if (pause_us)
			nanosleep(&(struct timespec){0, (long)pause_us * 1000}, NULL);
	}
	for (size_t done = 0; done < text_len;) {
		ssize_t n = write(1, text + done, text_len - done);

		if (n < 0 && errno != EINTR)
			return 1;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}
