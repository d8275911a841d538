// SPDX-License-Identifier: GPL-2.0-only
// timeout: 120
/*
 * Hostile frames and gate calls, as nobody: the home thread leaves the gate with registers, masks and modes at random, a sibling makes gate
 * calls at random and in some processes overwrites the frames meanwhile. What arrives is what the frame said, as far as rt_sigreturn(2) would
 * allow it; the process may be killed by what it does, and nothing else may happen. usage: gate_fuzz [OPERATIONS]
 */
#define _GNU_SOURCE
#include "fuzz.h"
#include "gate_client.h"

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <ucontext.h>

#define FRAME 1
#define FRAMES 4 /* that have an entry */
#define ROUND 2000 /* operations of one process, at most */
#define FLAG_TF 0x100ull
#define FLAG_AC 0x40000ull
/* AC ID NT OF DF TF SF ZF AF PF CF; RF never shows. */
#define FLAGS_FREE 0x244dd5ull
#define FLAGS_RF 0x10000ull
#define FLAGS_FIXED 0x202ull

extern void fuzz_entry(void), fuzz_landing(void), fuzz_landing_next(void), fuzz_recover(void);
extern long fuzz_int80(uint64_t call, uint64_t frame, uint64_t arg);
extern struct decouple_regs landed; /* but RIP */
extern uint64_t landed_cs, landed_ss;

static volatile uint64_t *counter;
static uint64_t round_start;
static int home;
static bool int80; /* the gate lies low: calls come by either entry */
/* Calm: nobody writes the frame, everything is compared. Scribbled: all but where the thread goes. Wild: all of it. */
static enum { CALM, SCRIBBLED, WILD } profile;
static struct decouple_regs sent;
static enum { NOTHING, LANDING, CAPTURE, STEP, FAULT } expected;
static char altstack[65536] __attribute__((aligned(16)));
static char gate_stacks[FRAMES][65536] __attribute__((aligned(16)));

static void wrong(const char *what, uint64_t is, uint64_t should)
{
	printf("%s: %#lx, not %#lx (operation %lu, profile %d)\n", what, is, should, *counter - round_start, profile);
	fflush(stdout);
	_exit(ANSWER_WRONG);
}

static void count(void)
{
	if (__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED) - round_start > ROUND)
		_exit(0);
}

static long call(uint64_t number, uint64_t frame, uint64_t arg)
{
	count();
	/* Refused before anything is looked at. */
	if (int80 && random64() & 1) {
		long result = fuzz_int80(number, frame, arg);

		if (result != -ENOSYS)
			wrong("result of a call by the 32-bit entry", (uint64_t)result, (uint64_t)-ENOSYS);
	}
	return gate_call(number, frame, arg);
}

static void check_flags(uint64_t flags, uint64_t cs, uint64_t ss)
{
	if ((flags & ~(FLAGS_FREE | FLAGS_RF)) != FLAGS_FIXED)
		wrong("RFLAGS", flags, FLAGS_FIXED);
	if (cs != 0x33)
		wrong("CS", cs, 0x33);
	if (ss != 0x2b)
		wrong("SS", ss, 0x2b);
}

/* TF is gone where the module or the handler of SIGTRAP took it. */
static void check(const struct decouple_regs *is, uint64_t rip, uint64_t flags_gone, bool with_rip)
{
	const uint64_t *a = (const uint64_t *)is, *b = (const uint64_t *)&sent;

	for (unsigned i = 0; i < 16; i++)
		if (a[i] != b[i])
			wrong("register", a[i], b[i]);
	if (with_rip && is->rip != rip)
		wrong("RIP", is->rip, rip);
	if ((is->rflags ^ sent.rflags) & FLAGS_FREE & ~flags_gone)
		wrong("free RFLAGS", is->rflags, sent.rflags);
}

/* Natively, at the end of what one return was to do: into the gate again. */
static void again(void)
{
	expected = NOTHING;
	for (unsigned tries = 0;; tries++) {
		long result = call(DECOUPLE_GATE_CAPTURE, FRAME, 0);

		if (profile == CALM && tries == ROUND / 2)
			wrong("captures in vain", tries, 0);
		if (result == -EINVAL) /* the session was removed; its hooks may be there still */
			call(DECOUPLE_GATE_ADD, FRAME, (uint64_t)gettid());
		else if (result)
			wrong("capture of itself", (uint64_t)result, 0);
	}
}

void fuzz_landed(void)
{
	check_flags(landed.rflags, landed_cs, landed_ss);
	if (profile == CALM && expected == LANDING)
		check(&landed, 0, FLAG_TF, false);
	again();
}

void fuzz_recovered(void)
{
	again();
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	greg_t *g = uc->uc_mcontext.gregs;

	(void)info;
	/* The code of a compiler can't do with AC, and the others are for rt_sigreturn to restore. */
	__asm__ volatile("sub $128, %%rsp; pushfq; andl $~0x40000, (%%rsp); popfq; add $128, %%rsp" ::: "memory", "cc");
	check_flags((uint64_t)g[REG_EFL], g[REG_CSGSFS] & 0xffff, g[REG_CSGSFS] >> 48);
	if (sig == SIGUSR1)
		return;
	if (sig == SIGTRAP) {
		g[REG_EFL] &= ~(greg_t)FLAG_TF;
		if ((uint64_t)g[REG_RIP] >= (uint64_t)fuzz_landing && (uint64_t)g[REG_RIP] < (uint64_t)fuzz_recover)
			return;
	}
	/* SIGTRAP comes first, at the same place, where the flag is set. */
	if (profile == CALM && expected == FAULT && sig == SIGSEGV)
		check((struct decouple_regs *)g, sent.rip, FLAG_TF, true);
	sigemptyset(&uc->uc_sigmask);
	g[REG_RIP] = (greg_t)fuzz_recover;
}

static void fill(volatile struct decouple_frame *f, bool to_landing)
{
	uint64_t *words = (uint64_t *)&sent;

	for (unsigned i = 0; i < 16; i++)
		words[i] = below(4) ? random64() : hostile_address();
	sent.rip = to_landing ? (uint64_t)fuzz_landing : hostile_address();
	sent.rflags = random64();
	if (below(4))
		sent.rflags &= ~FLAG_TF;
	if (below(3) == 0) { /* what SYSRET would do */
		sent.rcx = sent.rip;
		sent.r11 = sent.rflags = (sent.rflags & FLAGS_FREE & ~FLAG_TF) | FLAGS_FIXED;
	}
	for (unsigned i = 0; i < 18; i++)
		((volatile uint64_t *)&f->regs)[i] = words[i];
	/* The signals of faults stay open, else each is the end. */
	f->mask = random64() & ~(1ull << (SIGSEGV - 1) | 1ull << (SIGTRAP - 1) | 1ull << (SIGBUS - 1) | 1ull << (SIGILL - 1) |
				 1ull << (SIGALRM - 1));
	f->mask_saved = random64() & f->mask;
	f->mask_wait = random64();
}

static void random_call(bool own)
{
	uint64_t number = below(16), frame = below(8) ? below(4) : random64() >> below(64), arg = random64() >> below(64);

	if (number == DECOUPLE_GATE_RETURN && own && frame == FRAME)
		return;
	if (number == DECOUPLE_GATE_REMOVE && below(20))
		return;
	if (number == DECOUPLE_GATE_ADD)
		arg = frame == FRAME || below(2) ? (uint64_t)home : below(2) ? (uint64_t)getpid() : arg;
	if (number == DECOUPLE_GATE_DOORBELL)
		arg = below(8);
	if (number == DECOUPLE_GATE_CORE)
		arg = below(8) ? below(3) : arg;
	/* There is somebody who wakes: see main(). */
	if (number == DECOUPLE_GATE_WAIT || number == DECOUPLE_GATE_MANAGE)
		arg = below(50) ? 1 + below(20000) : below(2) ? 0 : random64();
	call(number, frame, arg);
	if (below(8) == 0) {
		char *page = (char *)(gate_address + below(4) * 4096);

		count();
		syscall(SYS_msync, page + below(3) * 2048, below(3) * 4096, below(8));
		madvise(page, 4096, (int)below(26));
		mprotect(page, 4096, (int)below(8));
		mremap(page, 4096, below(3) * 4096, (int)below(4) & ~MREMAP_FIXED, NULL);
		syscall(SYS_remap_file_pages, page, 4096, 0, below(4), 0);
		mlock(page, 4096);
	}
}

/* Any number of a mode, but mostly those that are one. */
void fuzz_in_gate(uint64_t index)
{
	static const unsigned modes[] = {DECOUPLE_RETURN_STAY, DECOUPLE_RETURN_CAPTURE, DECOUPLE_RETURN_STEP,
					 DECOUPLE_RETURN_SLIP, DECOUPLE_RETURN_LEAVE};
	volatile struct decouple_frame *f = gate_frame(FRAME);

	if (profile == CALM && index >= FRAMES)
		wrong("RDI at the entry", index, FRAME);
	if (index != FRAME) { /* the session of another thread, or another session: on as before */
		gate_call(DECOUPLE_GATE_RETURN, index, DECOUPLE_RETURN_STAY);
		_exit(0); /* it is gone */
	}
	if (profile == CALM && (expected == CAPTURE || expected == STEP)) {
		struct decouple_regs regs = *(struct decouple_regs *)&f->regs;

		/* A signal may have come first; its handler is then where the capture was. */
		if (regs.rip == sent.rip || regs.rip == (uint64_t)fuzz_landing_next)
			check(&regs, expected == STEP ? (uint64_t)fuzz_landing_next : sent.rip, FLAG_TF, true);
	}
	expected = NOTHING;
	for (;;) {
		unsigned mode = modes[below(5)];
		bool to_landing = below(8) != 0;
		uint64_t how = mode;

		for (uint64_t i = below(4); i; i--)
			random_call(true);
		if (below(16) == 0)
			how = random64() >> below(64) | 0x1000;
		how |= below(4) ? 0 : DECOUPLE_RETURN_TEMPORARY;
		fill(f, to_landing);
		if (profile == CALM)
			expected = !to_landing                       ? FAULT
				   : mode == DECOUPLE_RETURN_STAY    ? LANDING
				   : mode == DECOUPLE_RETURN_LEAVE   ? LANDING
				   : mode == DECOUPLE_RETURN_STEP    ? STEP
				   : mode == DECOUPLE_RETURN_CAPTURE ? CAPTURE
								     : NOTHING;
		long result = call(DECOUPLE_GATE_RETURN, FRAME, how);

		if (how < 0x1000 && result != -EINVAL && result != -EPERM)
			wrong("return from the gate", (uint64_t)result, 0);
		if (how >= 0x1000 && result != -EINVAL && result != -EPERM)
			wrong("return in a mode that isn't", (uint64_t)result, (uint64_t)-EINVAL);
		/* The session was removed under us: out of the gate, and into another. */
		if (how < 0x1000)
			again();
	}
}

static void *sibling(void *seed)
{
	random_seed((uint64_t)seed);
	for (;;) {
		volatile uint64_t *words = (volatile uint64_t *)gate_frame(FRAME);
		const uint64_t entry = offsetof(struct decouple_frame, entry) / 8;

		random_call(false);
		if (below(8) == 0)
			syscall(SYS_tgkill, getpid(), home, SIGUSR1);
		for (int i = 0; profile != CALM && i < 64; i++) {
			uint64_t at = below(sizeof(struct decouple_frame) / 8);

			if (profile == WILD && below(64) == 0)
				at = entry + below(3);
			else if ((at >= entry && at < entry + 3) || at == 16) /* RIP */
				continue;
			words[at] = below(2) ? random64() : hostile_address();
			/* Masks that kill: see fill(). */
			gate_frame(FRAME)->mask &= 0xffffffffffffa000ull & ~(1ull << (SIGALRM - 1));
		}
	}
	return NULL;
}

static void *home_thread(void *seed)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGUSR1};
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

	random_seed((uint64_t)seed);
	sigaltstack(&(stack_t){.ss_sp = altstack, .ss_size = sizeof(altstack)}, NULL);
	for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
	home = gettid();
	for (unsigned i = 0; i < FRAMES; i++) {
		gate_frame(i)->entry = (uint64_t)fuzz_entry;
		gate_frame(i)->entry_rsp = (uint64_t)gate_stacks[i] + sizeof(gate_stacks[i]) - 64;
		gate_frame(i)->entry_rdi = i;
	}
	call(DECOUPLE_GATE_ADD, FRAME, (uint64_t)home);
	again();
	return NULL;
}

static void fuzz(volatile uint64_t *operations)
{
	pthread_t threads[2];
	unsigned kind = (unsigned)below(8);

	counter = operations;
	round_start = *counter;
	profile = kind < 4 ? CALM : kind < 7 ? SCRIBBLED : WILD;
	int80 = below(3) == 0;
	gate_use_cores(gate_open_at(int80 ? 0x20000000 : 0x100000000000), 3);
	eventfd(0, EFD_NONBLOCK);
	become_nobody();
	pthread_create(&threads[0], NULL, home_thread, (void *)random64());
	pthread_create(&threads[1], NULL, sibling, (void *)random64());
	for (;;) {
		nanosleep(&(struct timespec){0, 1000000}, NULL);
		gate_call(DECOUPLE_GATE_WAKE, FRAME, 0);
		gate_call(DECOUPLE_GATE_POKE, 0, 0);
	}
}

int main(int argc, char **argv)
{
	return run_rounds(operations_of(argc, argv, 100000, 1000000), fuzz, 60);
}
