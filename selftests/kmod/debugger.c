// SPDX-License-Identifier: GPL-2.0-only
/*
 * A debugger and the gate. In the gate a thread shows the gate's registers, and goes on there when it is let go; natively it shows its own. A
 * capture while the debugger has it stopped comes when it goes on, and a single step's trap flag is not in the frame.
 */
#define _GNU_SOURCE
#include "gate_client.h"

#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "registers.h"

#define ATTACHES 20

extern const char gate_entry_end[];

static struct {
	volatile int tid, go, captures, done;
	volatile uint8_t leave;
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

static void in_the_gate(void)
{
	struct user_regs_struct r;
	unsigned seen = 0;

	ask_capture(100000000);
	wait_captures(1);
	for (int i = 0; i < ATTACHES; i++) {
		attach();
		r = registers();
		seen += in_code(r.rip, (const void *)gate_entry, gate_entry_end);
		detach();
	}
	CHECK(seen == ATTACHES && shared->captures == 1);
	/* A debugger may also have it out of there. */
	attach();
	r = registers();
	r.r12 = 1;
	r.orig_rax = -1;
	CHECK(ptrace(PTRACE_SETREGS, shared->tid, 0, &r) == 0);
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

static void single_step(void)
{
	int status;

	attach();
	ask_capture(1);
	CHECK(ptrace(PTRACE_SINGLESTEP, shared->tid, 0, 0) == 0);
	wait_captures(3);
	/* The step ends in the gate, at the end of its first call. */
	CHECK(waitpid(shared->tid, &status, __WALL) == shared->tid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
	CHECK(in_code(registers().rip, (const void *)gate_entry, gate_entry_end));
	detach();
	CHECK(in_code(shared->rip, (const void *)code_spin, code_spin_end));
	CHECK(!(shared->rflags & 0x100));
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
	wait_native();
	natively();
	in_the_gate();
	wait_native();
	stopped();
	wait_native();
	single_step();
	wait_native();
	natively();
	shared->leave = 1;
	shared->go = -1;
	CHECK(waitpid(child, &status, 0) == child);
	if (status != 7 << 8)
		printf("wait status %x\n", status);
	return status != 7 << 8;
}
