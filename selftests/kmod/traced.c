// SPDX-License-Identifier: GPL-2.0-only
// timeout: 120
/*
 * A debugger attaches to a decoupled process (PTRACE_ATTACH): it sees each thread's own registers, computing and in calls, as the module has
 * the threads given back before they stop. One that stops all threads at once, the vCPU threads among them, and one that seizes a thread
 * and does not wait (strace) find the process given back when it goes on.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "gate_client.h"
#include "registers.h"

#define SPINNING 3 /* threads, the main thread among them */
#define THREADS (SPINNING + 2)
#define ROUNDS 6
#define TASKS 64

enum { READING = SPINNING, CALLING }; /* the others */

static struct {
	volatile int tids[THREADS];
	volatile uint8_t leave, wrong, stop_calls;
	struct registers in[SPINNING], out[SPINNING];
	char byte;
} * shared;

static int target, ends[2];
static const char *stage = "start";

static void *spin(void *argument)
{
	unsigned n = (unsigned)(uintptr_t)argument;

	registers_fill(&shared->in[n], 3 + n);
	shared->in[n].rax = (uint64_t)&shared->leave;
	shared->tids[n] = gettid();
	registers_call(&shared->in[n], &shared->out[n], code_spin);
	if (!registers_equal(&shared->in[n], &shared->out[n], "rflags", "behind the debugger"))
		shared->wrong = 1;
	return NULL;
}

static void *read_byte(void *unused)
{
	(void)unused;
	shared->tids[READING] = gettid();
	if (read(ends[0], &shared->byte, 1) != 1 || shared->byte != 'x')
		shared->wrong = 1;
	return NULL;
}

static void *call(void *unused)
{
	(void)unused;
	shared->tids[CALLING] = gettid();
	while (!shared->leave)
		if (syscall(SYS_gettid) != shared->tids[CALLING])
			shared->wrong = 1;
	return NULL;
}

static void be_target(void)
{
	pthread_t threads[THREADS];

	for (unsigned n = 1; n < THREADS; n++)
		CHECK(!pthread_create(&threads[n], NULL,
				      n == READING   ? read_byte
				      : n == CALLING ? call
						     : spin,
				      (void *)(uintptr_t)n));
	spin(NULL);
	for (unsigned n = 1; n < THREADS; n++)
		CHECK(pthread_join(threads[n], NULL) == 0);
	_exit(shared->wrong ? 8 : 7);
}

static void start_target(void)
{
	CHECK(pipe(ends) == 0);
	memset(shared, 0, sizeof(*shared));
	target = fork();
	if (target == 0)
		be_target();
	for (unsigned n = 0; n < THREADS; n++)
		while (!shared->tids[n])
			sched_yield();
}

static void end_target(void)
{
	int status;

	shared->leave = 1;
	CHECK(write(ends[1], "x", 1) == 1);
	CHECK(waitpid(target, &status, 0) == target);
	if (status != 7 << 8) {
		printf("%s: the target ended with status %#x\n", stage, status);
		exit(1);
	}
	close(ends[0]);
	close(ends[1]);
}

static bool decoupled(int tid)
{
	char path[64], state[16] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/sys/kernel/decouple/%d/state", tid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(state, sizeof(state), file))
		*state = 0;
	fclose(file);
	return !strcmp(state, "decoupled\n");
}

static void decouple(void)
{
	const char *program = getenv("DECOUPLE");
	char command[256];

	snprintf(command, sizeof(command), "%s --reflector module --all --cores 1 %d >/dev/null",
		 program ? program : "build/decouple", target);
	CHECK(system(command) == 0);
	for (unsigned n = 0; n < THREADS; n++)
		while (!decoupled(shared->tids[n]))
			usleep(1000);
}

static unsigned tasks(int *tids)
{
	struct dirent *entry;
	unsigned count = 0;
	char path[32];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", target);
	dir = opendir(path);
	CHECK(dir);
	while ((entry = readdir(dir)) && count < TASKS)
		if (*entry->d_name != '.')
			tids[count++] = atoi(entry->d_name);
	closedir(dir);
	return count;
}

/* Linux waits for KVM's own thread when a VM ends, uninterruptibly: who stops it at that moment can't stop the one that waits. */
static bool of_kvm(int tid)
{
	char path[64], name[17] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", target, tid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(name, sizeof(name), file))
		*name = 0;
	fclose(file);
	return !strncmp(name, "kvm-", 4);
}

/* The program has no tasks but its own: the resident is gone. */
static void wait_recoupled(void)
{
	int tids[TASKS];

	while (tasks(tids) != THREADS)
		usleep(1000);
	for (unsigned n = 0; n < THREADS; n++)
		CHECK(!decoupled(shared->tids[n]));
}

/* False: it has ended, as the resident's threads may. */
static bool stops(int tid)
{
	int status;

	CHECK(waitpid(tid, &status, __WALL) == tid);
	return WIFSTOPPED(status);
}

static bool is_own(int tid)
{
	for (unsigned n = 0; n < THREADS; n++)
		if (tid == shared->tids[n])
			return true;
	return false;
}

static struct user_regs_struct registers(int tid)
{
	struct user_regs_struct r;

	CHECK(ptrace(PTRACE_GETREGS, tid, 0, &r) == 0);
	return r;
}

static void check_spinning(unsigned n)
{
	struct user_regs_struct r = registers(shared->tids[n]);
	struct registers is = {
		.rax = r.rax,
		.rbx = r.rbx,
		.rcx = r.rcx,
		.rdx = r.rdx,
		.rsi = r.rsi,
		.rdi = r.rdi,
		.rbp = r.rbp,
		.r8 = r.r8,
		.r9 = r.r9,
		.r10 = r.r10,
		.r11 = r.r11,
		.r12 = r.r12,
		.r13 = r.r13,
		.r14 = r.r14,
		.r15 = r.r15,
		.rflags = r.eflags,
	};

	if (r.rip < (uint64_t)code_spin || r.rip >= (uint64_t)code_spin_end) {
		printf("%s: thread %u is at %#llx\n", stage, n, r.rip);
		exit(1);
	}
	if (!registers_equal(&shared->in[n], &is, "rflags", stage) || is.rflags & 0x100)
		exit(1);
}

/* In its call, or about to begin it again. */
static void check_call(unsigned n, long nr)
{
	struct user_regs_struct r = registers(shared->tids[n]);
	long text;

	errno = 0;
	text = ptrace(PTRACE_PEEKTEXT, shared->tids[n], r.rip, 0);
	CHECK(errno == 0);
	if (((long)r.orig_rax >= 0 && (long)r.orig_rax != nr) || (((text & 0xffff) == 0x050f) && (long)r.rax != nr)) {
		printf("%s: thread %u is at %#llx, ORIG_RAX %lld RAX %lld\n", stage, n, r.rip, (long long)r.orig_rax,
		       (long long)r.rax);
		exit(1);
	}
}

/* As gdb does: the main thread first, and the others when that has stopped. */
static void one_by_one(void)
{
	int tids[TASKS];
	unsigned count;

	CHECK(ptrace(PTRACE_ATTACH, target, 0, 0) == 0);
	CHECK(stops(target));
	check_spinning(0);
	count = tasks(tids);
	for (unsigned i = 0; i < count; i++)
		if (tids[i] != target && !of_kvm(tids[i]) && ptrace(PTRACE_ATTACH, tids[i], 0, 0) == 0)
			CHECK(stops(tids[i]) || !is_own(tids[i]));
	for (unsigned n = 0; n < SPINNING; n++)
		check_spinning(n);
	check_call(READING, SYS_read);
	for (unsigned i = 0; i < count; i++)
		ptrace(PTRACE_DETACH, tids[i], 0, 0);
	wait_recoupled();
}

static void all_at_once(void)
{
	int tids[TASKS];
	unsigned count = tasks(tids);
	bool attached[TASKS];

	for (unsigned i = 0; i < count; i++)
		attached[i] = !of_kvm(tids[i]) && ptrace(PTRACE_ATTACH, tids[i], 0, 0) == 0;
	for (unsigned i = 0; i < count; i++) {
		bool was = attached[i];

		attached[i] = was && stops(tids[i]);
		CHECK(attached[i] || !is_own(tids[i]));
	}
	for (unsigned i = 0; i < count; i++)
		CHECK(!attached[i] || ptrace(PTRACE_DETACH, tids[i], 0, 0) == 0);
	wait_recoupled();
}

/* As strace does. */
static void seized(void)
{
	CHECK(ptrace(PTRACE_SEIZE, target, 0, 0) == 0);
	CHECK(ptrace(PTRACE_INTERRUPT, target, 0, 0) == 0);
	CHECK(stops(target));
	CHECK(ptrace(PTRACE_CONT, target, 0, 0) == 0);
	wait_recoupled();
	CHECK(ptrace(PTRACE_INTERRUPT, target, 0, 0) == 0);
	CHECK(stops(target));
	check_spinning(0);
	CHECK(ptrace(PTRACE_DETACH, target, 0, 0) == 0);
}

/* A job's stop concerns all threads, and nobody's registers. */
static void job_control(void)
{
	int status;

	CHECK(kill(target, SIGSTOP) == 0);
	CHECK(waitpid(target, &status, WUNTRACED) == target && WIFSTOPPED(status));
	CHECK(kill(target, SIGCONT) == 0);
	CHECK(syscall(SYS_tgkill, target, shared->tids[1], SIGSTOP) == 0);
	CHECK(waitpid(target, &status, WUNTRACED) == target && WIFSTOPPED(status));
	CHECK(kill(target, SIGCONT) == 0);
	CHECK(decoupled(target));
	one_by_one();
}

static const struct {
	const char *name;
	void (*run)(void);
} stages[] = {
	{"one by one", one_by_one}, {"all at once", all_at_once}, {"seized", seized}, {"behind job control", job_control}};

static void late(int sig)
{
	char command[128];

	(void)sig;
	printf("hangs: %s\n", stage);
	fflush(stdout);
	snprintf(command, sizeof(command),
		 "cd /proc/%d/task && for t in *; do echo $t $(cat $t/comm) $(grep State $t/status); done", target);
	if (system(command))
		printf("no target\n");
	kill(target, SIGKILL);
	_exit(1);
}

int main(void)
{
	if (access(DECOUPLE_DEVICE, F_OK)) {
		printf("no %s: the module is not loaded\n", DECOUPLE_DEVICE);
		return 4;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	signal(SIGALRM, late);
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
			stage = stages[i].name;
			alarm(20);
			start_target();
			decouple();
			stages[i].run();
			end_target();
		}
	}
	printf("a debugger sees the program\n");
	return 0;
}
