// SPDX-License-Identifier: GPL-2.0-only
/* clone and clone3 with every flag, in sets that make sense: what is shared, what is copied, the child's registers, bad combinations. */
#include "testlib.h"
#include "registers.h"

#include <linux/futex.h>
#include <linux/sched.h>
#include <sched.h>

#define THREAD (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

struct probe {
	int memory, pid_same, parent_same;
	volatile int done;
};

static struct probe *shared;
static char stack[256 * 1024] __attribute__((aligned(64)));
static int test_fd;
static volatile int private_word;

/* Runs in the child; must not use the C library's thread state when CLONE_VM is without CLONE_VFORK. */
static int child(void *argument)
{
	private_word++;
	syscall(SYS_close, test_fd);
	shared->memory = private_word;
	shared->pid_same = syscall(SYS_getpid) == (long)argument;
	shared->parent_same = syscall(SYS_getppid) == (long)argument;
	syscall(SYS_chdir, "/proc");
	shared->done = 1;
	syscall(SYS_exit, 7);
	return 0;
}

static void show(const char *what, unsigned long flags)
{
	char directory[100];
	pid_t parent_tid = 0, child_tid = -1;

	MUST(chdir("/"));
	memset(shared, 0, sizeof(*shared));
	private_word = 10;
	test_fd = MUST(dup(1));
	int pid = clone(child, stack + sizeof(stack), (int)flags, (void *)(long)getpid(), &parent_tid, NULL, &child_tid);
	if (pid < 0) {
		printf("%s: %s\n", what, errno_name(errno));
		close(test_fd);
		return;
	}
	int status = 0;
	if (flags & CLONE_THREAD) {
		if (flags & CLONE_CHILD_CLEARTID)
			while (*(volatile pid_t *)&child_tid)
				syscall(SYS_futex, &child_tid, FUTEX_WAIT, pid, &(struct timespec){0, 10 * MS}, NULL, 0);
		else
			while (!shared->done || syscall(SYS_tgkill, getpid(), pid, 0) == 0)
				sched_yield();
	} else {
		CHECK(waitpid(pid, &status, __WALL) == pid);
	}
	printf("%s: status %x, memory %d here %d, file %s, pid %d parent %d, cwd %s", what, status, shared->memory,
	       private_word, fcntl(test_fd, F_GETFD) < 0 ? "closed" : "open", shared->pid_same, shared->parent_same,
	       getcwd(directory, sizeof(directory)));
	if (flags & CLONE_PARENT_SETTID)
		printf(", parent tid %d", parent_tid == pid);
	if (flags & CLONE_CHILD_CLEARTID)
		printf(", cleared %d", child_tid == 0);
	printf("\n");
	close(test_fd);
}

static void registers_in_both(void)
{
	struct registers in, out;
	int wrong = 0;

	for (unsigned i = 0; i < 30; i++) {
		registers_fill(&in, i);
		in.rax = SYS_clone;
		in.rdi = SIGCHLD;
		in.rsi = in.rdx = in.r10 = in.r8 = 0;
		in.rcx = in.r11 = 0;
		registers_call(&in, &out, code_syscall);
		bool same = registers_equal(&in, &out, "rax rcx r11", out.rax ? "parent" : "child") &&
			    out.rcx == (uint64_t)code_syscall_end && out.r11 == in.rflags;
		if (out.rax == 0)
			_exit(same ? 0 : 1);
		wrong += !same + (wait_child((pid_t)out.rax) != 0);
	}
	printf("registers in parent and child: wrong %d\n", wrong);
}

static void vectors_in_both(void)
{
	static struct vectors in, out;
	int level = vectors_level(), wrong = 0;

	for (unsigned i = 0; i < 30; i++) {
		pid_t parent = getpid();
		vectors_fill(&in, i);
		memset(&out, 0, sizeof(out));
		vectors_call(&in, &out, code_syscall, (uint64_t[7]){SIGCHLD, 0, 0, 0, 0, 0, SYS_clone}, level);
		bool same = vectors_equal(&in, &out, level, "clone");
		if (getpid() != parent)
			_exit(same ? 0 : 1);
		int status;
		CHECK(wait(&status) > 0);
		wrong += !same + (status != 0);
	}
	printf("vectors in parent and child: wrong %d\n", wrong);
}

static void with_clone3(void)
{
	int pidfd = -1;
	pid_t child_tid = 0;
	struct clone_args args = {.flags = CLONE_PIDFD | CLONE_CHILD_SETTID | CLONE_CLEAR_SIGHAND,
				  .pidfd = (uint64_t)&pidfd,
				  .child_tid = (uint64_t)&child_tid,
				  .exit_signal = SIGCHLD};

	signal(SIGUSR1, SIG_IGN);
	long pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		_exit(child_tid == syscall(SYS_gettid) ? 9 : 1);
	siginfo_t info;
	CHECK(waitid((idtype_t)3 /* P_PIDFD */, pidfd, &info, WEXITED) == 0);
	printf("clone3: status %d, pid by its descriptor %d\n", info.si_status, info.si_pid == pid);
	close(pidfd);
	printf("clone3, bad size: %s\n", syscall(SYS_clone3, &args, 8l) < 0 ? errno_name(errno) : "ok");
	printf("clone3, bad pointer: %s\n", syscall(SYS_clone3, (void *)8, sizeof(args)) < 0 ? errno_name(errno) : "ok");
	args.flags = CLONE_THREAD;
	printf("clone3, thread alone: %s\n", syscall(SYS_clone3, &args, sizeof(args)) < 0 ? errno_name(errno) : "ok");
}

/* The child's own words: CHILD_SETTID is written in the child's memory, and PIDFD gives a descriptor. */
static void set_in_child(void)
{
	pid_t child_tid = -1;
	int pidfd = -1;

	/* By the call itself: the C library's wrapper needs a stack. */
	long pid = syscall(SYS_clone, CLONE_CHILD_SETTID | SIGCHLD, 0, NULL, &child_tid, 0);
	if (pid == 0)
		_exit(child_tid == syscall(SYS_gettid) ? 5 : 1);
	printf("CHILD_SETTID: child %d, here %d\n", wait_child((pid_t)pid), child_tid);
	pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &pidfd, NULL, 0);
	if (pid == 0)
		_exit(fcntl(pidfd, F_GETFD) < 0 ? 6 : 1);
	siginfo_t info = {0};
	CHECK(waitid((idtype_t)3 /* P_PIDFD */, pidfd, &info, WEXITED) == 0);
	printf("PIDFD: status %d, close on exec %d\n", info.si_status, fcntl(pidfd, F_GETFD));
	close(pidfd);
}

/* CLONE_PARENT: a sibling, whose end is the parent's to wait for. */
static void parent_of_parent(void)
{
	int fds[2];
	char answer = 0;

	MUST(pipe(fds));
	pid_t middle = MUST(fork());
	if (middle == 0) {
		pid_t above = getppid();
		long sibling = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, NULL, NULL, 0);
		if (sibling == 0) {
			answer = getppid() == above ? 'y' : 'n';
			_exit(write(fds[1], &answer, 1) == 1 ? 8 : 1);
		}
		int status;
		_exit(waitpid((pid_t)sibling, &status, 0) < 0 && errno == ECHILD ? 4 : 1);
	}
	CHECK(read(fds[0], &answer, 1) == 1);
	printf("PARENT: the maker %d, same parent %c", wait_child(middle), answer);
	printf(", sibling %d\n", wait_child(-1));
	close(fds[0]);
	close(fds[1]);
}

static void first_in_namespace(void)
{
	long pid = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, NULL, NULL, 0);

	if (pid == 0) {
		pid_t inner = fork();
		if (inner == 0)
			_exit(getpid() == 2 && getppid() == 1 ? 3 : 1);
		_exit(getpid() == 1 && getppid() == 0 ? 20 + wait_child(inner) : 1);
	}
	printf("NEWPID: %d\n", pid < 0 ? -errno : wait_child((pid_t)pid));
}

/* SETTLS: the child's thread pointer is the one that was asked for; the parent keeps its own. */
static void with_settls(void)
{
	static uint64_t area[64];
	uint64_t own = (uint64_t)__builtin_thread_pointer();
	long result = SYS_clone, status;

	area[0] = (uint64_t)area;
	area[1] = 0x77;
	register long r10 __asm__("r10") = 0;
	register long r8 __asm__("r8") = (long)area;
	__asm__ volatile("syscall\n"
			 "test %%rax, %%rax\n"
			 "jnz 1f\n"
			 "mov %%fs:8, %%rdi\n" /* the child ends with what it finds there */
			 "mov $60, %%eax\n"
			 "syscall\n"
			 "1:"
			 : "+a"(result), "+r"(r10), "+r"(r8)
			 : "D"(CLONE_SETTLS | SIGCHLD), "S"(0), "d"(0)
			 : "rcx", "r11", "memory");
	status = wait_child((pid_t)result);
	printf("SETTLS: child %lx, here the same %d\n", status, own == (uint64_t)__builtin_thread_pointer());
}

static int on_other_stack(void *argument)
{
	volatile char room[20000];

	room[0] = *(char *)argument;
	_exit(room[0] == 'x' ? 12 : 1);
}

/* A stack of its own, a pid of choice, a cgroup that does not exist. */
static void more_of_clone3(void)
{
	static char other[64 * 1024] __attribute__((aligned(64)));
	pid_t wanted[1] = {0};
	struct clone_args args = {.flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD};

	/* The C library uses clone3 itself, with a stack, for posix_spawn and pthread_create. */
	int pid = clone(on_other_stack, other + sizeof(other), CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)"x");
	printf("own stack: %d\n", wait_child(pid));
	args.flags = 0;
	args.set_tid = (uint64_t)wanted;
	args.set_tid_size = 1;
	printf("clone3, pid 0 wanted: %s\n", syscall(SYS_clone3, &args, sizeof(args)) < 0 ? errno_name(errno) : "ok");
	wanted[0] = getpid();
	printf("clone3, a pid in use: %s\n", syscall(SYS_clone3, &args, sizeof(args)) < 0 ? errno_name(errno) : "ok");
	args.set_tid = args.set_tid_size = 0;
	args.flags = CLONE_INTO_CGROUP;
	args.cgroup = 4000;
	printf("clone3, bad cgroup: %s\n", syscall(SYS_clone3, &args, sizeof(args)) < 0 ? errno_name(errno) : "ok");
	args.cgroup = 0;
	args.flags = CLONE_CLEAR_SIGHAND | CLONE_SIGHAND | CLONE_VM;
	printf("clone3, CLEAR_SIGHAND and SIGHAND: %s\n",
	       syscall(SYS_clone3, &args, sizeof(args)) < 0 ? errno_name(errno) : "ok");
	args.flags = 1ull << 60;
	printf("clone3, unknown flag: %s\n", syscall(SYS_clone3, &args, sizeof(args)) < 0 ? errno_name(errno) : "ok");
}

int main(void)
{
	test_start();
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	show("fork", SIGCHLD);
	show("no signal", 0);
	show("VM", CLONE_VM | SIGCHLD);
	show("VM VFORK", CLONE_VM | CLONE_VFORK | SIGCHLD);
	show("VFORK", CLONE_VFORK | SIGCHLD);
	show("FILES", CLONE_FILES | SIGCHLD);
	show("FS", CLONE_FS | SIGCHLD);
	show("VM FILES FS SIGHAND", CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_SIGHAND | SIGCHLD);
	show("thread", THREAD | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID);
	show("thread without FILES", (THREAD & ~CLONE_FILES) | CLONE_CHILD_CLEARTID);
	show("thread without FS", (THREAD & ~CLONE_FS) | CLONE_CHILD_CLEARTID);
	show("SYSVSEM", CLONE_SYSVSEM | SIGCHLD);
	show("IO", CLONE_IO | SIGCHLD);
	show("PTRACE UNTRACED", CLONE_PTRACE | CLONE_UNTRACED | SIGCHLD);
	show("DETACHED", CLONE_DETACHED | SIGCHLD);
	show("another signal", SIGWINCH);
	show("VM VFORK FILES FS", CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_FS | SIGCHLD);
	show("new namespaces", CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP | CLONE_NEWNET | SIGCHLD);
	show("new user namespace", CLONE_NEWUSER | SIGCHLD);
	show("new user and mount namespace, VFORK", CLONE_NEWUSER | CLONE_NEWNS | CLONE_VFORK | SIGCHLD);
	show("SIGHAND without VM", CLONE_SIGHAND | SIGCHLD);
	show("THREAD without SIGHAND", CLONE_THREAD | CLONE_VM);
	show("NEWNS and FS", CLONE_NEWNS | CLONE_FS | SIGCHLD);
	show("thread in a new PID namespace", THREAD | CLONE_NEWPID);
	show("PIDFD and PARENT_SETTID", CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD);
	show("new user and FS", CLONE_NEWUSER | CLONE_FS | SIGCHLD);
	registers_in_both();
	vectors_in_both();
	set_in_child();
	parent_of_parent();
	first_in_namespace();
	with_settls();
	with_clone3();
	more_of_clone3();
	return test_done();
}
