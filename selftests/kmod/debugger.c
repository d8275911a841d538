// SPDX-License-Identifier: GPL-2.0-only
/*
 * A debugger and the gate. In the gate a thread shows the gate's registers, and goes on there when it is let go; natively it shows its own. A
 * capture while the debugger has it stopped comes when it is let go on; single steps are native, also from a breakpoint that the thread hit in the
 * one instruction that it was to execute natively.
 */
#define _GNU_SOURCE
#include "gate_client.h"

#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "registers.h"

#define ATTACHES 20
#define MANY 100000000 /* calls in the gate: to be ended by the debugger */

extern const char gate_entry_end[];

static struct {
	volatile int tid, go, captures, done;
	volatile uint8_t leave;
	volatile uint64_t how;
	volatile uint64_t rip, rflags; /* of the last capture */
	struct registers in, out;
	volatile bool finished;
} * shared;

static void *spin(void *unused)
{
	(void)unused;
	registers_fill(&shared->in, 3);
	shared->in.rax = (uint64_t)&shared->leave;
	shared->tid = gettid();
	registers_call(&shared->in, &shared->out, code_spin);
	shared->finished = true;
	return NULL;
}

/* Captures when the debugger says so, with as many calls in the gate as it says. */
static void debugged(void)
{
	volatile struct decouple_frame *f;
	pthread_t thread;

	gate_open();
	CHECK(pthread_create(&thread, NULL, spin, NULL) == 0);
	while (!shared->tid)
		sched_yield();
	gate_session(1, shared->tid);
	f = gate_frame(1);
	while (shared->go >= 0) {
		if (shared->go) {
			gate_calls[1] = (uint64_t)shared->go;
			gate_how[1] = shared->how;
			shared->go = 0;
			CHECK(gate_call(DECOUPLE_GATE_CAPTURE, 1, 0) == 0);
			shared->done++;
		}
		if (shared->captures != (int)f->captures) {
			shared->rip = f->regs.rip;
			shared->rflags = f->regs.rflags;
			shared->captures = (int)f->captures;
		}
		sched_yield();
	}
	CHECK(pthread_join(thread, NULL) == 0);
	_exit(registers_equal(&shared->in, &shared->out, "rflags", "behind the debugger") ? 7 : 8);
}

static void attach(void)
{
	int status;

	CHECK(ptrace(PTRACE_ATTACH, shared->tid, 0, 0) == 0);
	CHECK(waitpid(shared->tid, &status, __WALL) == shared->tid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
}

static void detach(void)
{
	CHECK(ptrace(PTRACE_DETACH, shared->tid, 0, 0) == 0);
}

static struct user_regs_struct registers(void)
{
	struct user_regs_struct r;

	CHECK(ptrace(PTRACE_GETREGS, shared->tid, 0, &r) == 0);
	return r;
}

static void ask_capture(int calls)
{
	int done = shared->done;

	shared->go = calls;
	while (shared->done == done)
		sched_yield();
}

static void wait_captures(int captures)
{
	while (shared->captures != captures)
		sched_yield();
}

static bool in_code(uint64_t rip, const void *begin, const void *end)
{
	return rip >= (uint64_t)begin && rip < (uint64_t)end;
}

/* Natively: its own registers. */
static void natively(void)
{
	struct user_regs_struct r;

	attach();
	r = registers();
	CHECK(in_code(r.rip, (const void *)code_spin, code_spin_end) && r.rbx == shared->in.rbx && r.r15 == shared->in.r15);
	CHECK(!(r.eflags & 0x100));
	detach();
}

/* Of the thread in the gate: the next one is the last. */
static void end_calls(void)
{
	struct user_regs_struct r = registers();

	while (r.r12 > MANY) { /* it has yet to load the number */
		detach();
		sched_yield();
		attach();
		r = registers();
	}
	r.r12 = 1;
	r.orig_rax = -1;
	CHECK(ptrace(PTRACE_SETREGS, shared->tid, 0, &r) == 0);
}

static void in_the_gate(void)
{
	struct user_regs_struct r;
	unsigned seen = 0;

	ask_capture(MANY);
	wait_captures(1);
	for (int i = 0; i < ATTACHES; i++) {
		attach();
		r = registers();
		seen += in_code(r.rip, (const void *)gate_entry, gate_entry_end);
		detach();
	}
	CHECK(seen == ATTACHES && shared->captures == 1);
	attach();
	end_calls();
	detach();
}

/* Waits until the thread is native again. */
static void wait_native(void)
{
	for (;;) {
		struct user_regs_struct r;

		attach();
		r = registers();
		detach();
		if (in_code(r.rip, (const void *)code_spin, code_spin_end))
			return;
		sched_yield();
	}
}

static void stopped(void)
{
	attach();
	ask_capture(1);
	CHECK(shared->captures == 1);
	detach();
	wait_captures(2);
	CHECK(in_code(shared->rip, (const void *)code_spin, code_spin_end));
}

static void step(void)
{
	int status;

	CHECK(ptrace(PTRACE_SINGLESTEP, shared->tid, 0, 0) == 0);
	CHECK(waitpid(shared->tid, &status, __WALL) == shared->tid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
	CHECK(in_code(registers().rip, (const void *)code_spin, code_spin_end));
}

static void single_step(void)
{
	attach();
	ask_capture(1);
	for (int i = 0; i < 10; i++)
		step();
	CHECK(shared->captures == 2);
	detach();
	wait_captures(3);
	CHECK(in_code(shared->rip, (const void *)code_spin, code_spin_end));
	CHECK(!(shared->rflags & 0x100));
}

static void breakpoint(void)
{
	struct user_regs_struct r;
	uint64_t at;
	long text;
	int status;

	shared->how = DECOUPLE_RETURN_STEP;
	ask_capture(MANY);
	wait_captures(4);
	at = shared->rip;
	attach();
	text = ptrace(PTRACE_PEEKTEXT, shared->tid, at, 0);
	CHECK(ptrace(PTRACE_POKETEXT, shared->tid, at, (text & ~0xffl) | 0xcc) == 0);
	end_calls();
	CHECK(ptrace(PTRACE_CONT, shared->tid, 0, 0) == 0);
	CHECK(waitpid(shared->tid, &status, __WALL) == shared->tid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
	r = registers();
	CHECK(r.rip == at + 1 && r.rbx == shared->in.rbx && r.r15 == shared->in.r15);
	CHECK(ptrace(PTRACE_POKETEXT, shared->tid, at, text) == 0);
	r.rip = at;
	CHECK(ptrace(PTRACE_SETREGS, shared->tid, 0, &r) == 0);
	step();
	CHECK(registers().rip != at);
	step();
	CHECK(registers().rip == at && shared->captures == 4);
	/* It would be captured behind each instruction from here on. */
	shared->how = DECOUPLE_RETURN_STAY;
	ask_capture(1);
	detach();
	wait_captures(5);
	CHECK(!(shared->rflags & 0x100));
}

static const struct {
	const char *name;
	void (*run)(void);
} stages[] = {
	{"natively", natively},       {"in the gate", in_the_gate}, {"stopped", stopped},
	{"single step", single_step}, {"breakpoint", breakpoint},   {"natively again", natively},
};

static const char *stage = "start";

static void late(int sig)
{
	struct user_regs_struct r = {0};
	int status = 0, dead;

	(void)sig;
	dead = waitpid(-1, &status, WNOHANG | __WALL);
	ptrace(PTRACE_GETREGS, shared->tid, 0, &r);
	printf("hangs at %s: captures %d, the last at %#lx with %#lx, asked %d, wait %d status %x, rip %#llx\n", stage,
	       shared->captures, shared->rip, shared->rflags, shared->done, dead, status, r.rip);
	exit(1);
}

int main(void)
{
	int status = 0;
	pid_t child;

	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	child = fork();
	if (!child)
		debugged();
	while (!shared->tid || shared->captures)
		sched_yield();
	signal(SIGALRM, late);
	alarm(30);
	for (unsigned i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		stage = "the way to user mode";
		wait_native();
		stage = stages[i].name;
		stages[i].run();
	}
	shared->leave = 1;
	shared->go = -1;
	CHECK(waitpid(child, &status, 0) == child);
	if (status != 7 << 8)
		printf("wait status %x\n", status);
	return status != 7 << 8;
}
