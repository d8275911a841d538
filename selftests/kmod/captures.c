// SPDX-License-Identifier: GPL-2.0-only
// timeout: 120
/*
 * Captures of each kind: all registers of the thread are known, in the frame of every capture as behind it. usage: captures [KIND [NUMBER]]
 *
 * computing, vectors: in a loop; sleeping: in a system call; stopped: by SIGSTOP; handler: in a signal handler; fault: around an instruction that
 * faults; stepped: behind each instruction of that; sequence: in a restartable sequence, which it aborts; kvm, guest: in
 * calls of KVM.
 */
#define _GNU_SOURCE
#include "gate_client.h"

#include <linux/futex.h>
#include <linux/kvm.h>
#include <linux/rseq.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/rseq.h>
#include <sys/wait.h>
#include <ucontext.h>

#include "fuzz.h"
#include "registers.h"

#define FRAME 1
#define NO_VECTORS __attribute__((target("general-regs-only")))

extern void captures_entry(void);
extern long sequence(volatile uint64_t *place, const struct rseq_cs *descriptor, uint64_t turns, volatile void *captures);
extern const char sequence_begin[], sequence_end[], sequence_abort[];

static const struct rseq_cs *descriptor;
static struct registers in; /* while the thread is where `code` begins */
static volatile uint64_t code, code_end, expected_rsp;
static volatile uint64_t checked, wrong, wrong_index, wrong_is, sequences, commits_late;
static volatile uint32_t word;
static volatile uint8_t go_on, tid_known, stop;
static volatile int tid;
static uint64_t wanted;
static volatile uint64_t how = DECOUPLE_RETURN_STAY;

static NO_VECTORS void compare(unsigned index, uint64_t is, uint64_t should)
{
	if (is == should)
		return;
	wrong++;
	wrong_index = index;
	wrong_is = is;
}

/* In the order of struct registers. */
static NO_VECTORS void compare_all(const volatile struct decouple_regs *r, bool in_call)
{
	if (!in_call) {
		compare(0, r->rax, in.rax);
		compare(2, r->rcx, in.rcx);
		compare(10, r->r11, in.r11);
		compare(15, r->rflags & ~0x108d5ull, in.rflags & ~0x8d5ull); /* the loop changes them; RF comes and goes */
	} else {
		compare(0, r->rax, in.rax);
	}
	compare(1, r->rbx, in.rbx);
	compare(3, r->rdx, in.rdx);
	compare(4, r->rsi, in.rsi);
	compare(5, r->rdi, in.rdi);
	compare(6, r->rbp, in.rbp);
	compare(7, r->r8, in.r8);
	compare(8, r->r9, in.r9);
	compare(9, r->r10, in.r10);
	compare(11, r->r12, in.r12);
	compare(12, r->r13, in.r13);
	compare(13, r->r14, in.r14);
	compare(14, r->r15, in.r15);
	compare(16, r->rsp, expected_rsp);
}

/* As the kernel does when it preempts a thread in a restartable sequence; returns how to leave. */
NO_VECTORS uint64_t captures_in_gate(uint64_t index)
{
	volatile struct decouple_frame *f = gate_frame((unsigned)index);

	if (f->regs.rip >= (uint64_t)sequence_begin && f->regs.rip < (uint64_t)sequence_end) {
		sequences++;
		compare(17, f->rseq, (uint64_t)__builtin_thread_pointer() + (uint64_t)__rseq_offset);
		compare(18, f->rseq_cs, (uint64_t)descriptor);
		compare(19, f->rseq_sig, 0x53053053);
		*(volatile uint64_t *)(f->regs.rdi) = 0;
		f->regs.rip = (uint64_t)sequence_abort;
	} else if (code && f->regs.rip >= code && f->regs.rip < code_end) {
		checked++;
		compare_all(&f->regs, code == (uint64_t)code_syscall);
	}
	if (f->captures >= wanted)
		return DECOUPLE_RETURN_STAY;
	/* PUSHF would show the trap flag. */
	return how == DECOUPLE_RETURN_STEP && *(volatile uint8_t *)f->regs.rip == 0x9c ? (uint64_t)DECOUPLE_RETURN_SLIP : how;
}

/* Runs a loop or call with known registers until another thread ends it. */
static void run(code_fn *function, const void *end, const struct registers *with, const char *except, const char *what)
{
	struct registers out;

	in = *with;
	registers_call(&in, &out, code_nop); /* RSP is the same */
	expected_rsp = registers_rsp;
	code_end = (uint64_t)end;
	code = (uint64_t)function;
	registers_call(&in, &out, function);
	code = 0;
	if (!registers_equal(&in, &out, except, what))
		wrong++;
}

static struct registers filled(unsigned seed)
{
	struct registers r;

	registers_fill(&r, seed);
	return r;
}

static void spin_once(unsigned seed, const char *what)
{
	struct registers r = filled(seed);

	r.rax = (uint64_t)&go_on;
	r.rflags |= seed & 1 ? 0x200400 : 0; /* ID and DF */
	go_on = 0;
	run(code_spin, code_spin_end, &r, "rflags", what);
}

static void computing(void)
{
	for (unsigned seed = 0; !stop; seed++)
		spin_once(seed, "computing");
}

static void vectors(void)
{
	static struct vectors before, after;
	int level = vectors_level();

	for (unsigned seed = 0; !stop; seed++) {
		uint64_t args[7] = {1, 2, 3, 4, 5, 6, (uint64_t)&go_on};

		vectors_fill(&before, seed);
		memset(&after, 0, sizeof(after));
		go_on = 0;
		vectors_call(&before, &after, code_spin, args, level);
		if (!vectors_equal(&before, &after, level, "vectors"))
			wrong++;
	}
}

static void sleeping(void)
{
	for (unsigned seed = 0; !stop; seed++) {
		struct registers r = filled(seed);

		r.rax = __NR_futex;
		r.rdi = (uint64_t)&word;
		r.rsi = FUTEX_WAIT_PRIVATE;
		r.rdx = 0;
		r.r10 = 0;
		word = 0;
		go_on = 0;
		run(code_syscall, (const char *)code_syscall_end, &r, "rax rcx r11", "sleeping");
	}
}

static void in_handler(int sig)
{
	(void)sig;
	spin_once(77, "in the handler");
}

static void handler(void)
{
	struct registers r = filled(5), out;

	signal(SIGUSR1, in_handler);
	while (!stop) {
		/* The call in whose middle the signal comes. */
		r.rax = __NR_tgkill;
		r.rdi = (uint64_t)getpid();
		r.rsi = (uint64_t)gettid();
		r.rdx = SIGUSR1;
		registers_call(&r, &out, code_syscall);
		if (!registers_equal(&r, &out, "rax rcx r11", "behind the handler"))
			wrong++;
	}
}

static struct registers fault_in;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
	const uint64_t *is = (const uint64_t *)g;
	static const uint8_t of[] = {7, 8, 9, 10, 11, 12, 13, 14,
				     5, 4, 6, 1,  3,  0,  2}; /* r8 ... r15, rdi, rsi, rbp, rbx, rdx, rax, rcx */

	if (sig != SIGILL || info->si_addr != (void *)code_ud2 || g[REG_RIP] != (greg_t)code_ud2)
		compare(20, (uint64_t)g[REG_RIP], (uint64_t)code_ud2);
	for (unsigned i = 0; i < sizeof(of); i++)
		compare(of[i], is[i], ((const uint64_t *)&fault_in)[of[i]]);
	checked++;
	g[REG_RIP] += 2;
}

static void fault(void)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	sigaction(SIGILL, &action, NULL);
	sigaction(SIGTRAP, &action, NULL);
	for (unsigned seed = 0; !stop; seed++) {
		struct registers out;

		registers_fill(&fault_in, seed);
		registers_call(&fault_in, &out, code_ud2);
		if (!registers_equal(&fault_in, &out, "", "fault"))
			wrong++;
	}
}

static void sequences_again(void)
{
	static struct rseq_cs cs;
	struct rseq *area = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
	volatile uint64_t *place = (volatile uint64_t *)&area->rseq_cs;

	cs = (struct rseq_cs){.start_ip = (uint64_t)sequence_begin,
			      .post_commit_offset = (uint64_t)(sequence_end - sequence_begin),
			      .abort_ip = (uint64_t)sequence_abort};
	descriptor = &cs;
	while (!stop) {
		long result = sequence(place, &cs, 20000, &gate_frame(FRAME)->captures);

		commits_late += result == 2;
	}
}

/* A thread that is busy with KVM itself, whose notifiers stand in the same lists as the module's. */
static volatile struct kvm_run *kvm_area;

static int kvm_vcpu(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm = ioctl(kvm, KVM_CREATE_VM, 0), vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	uint8_t *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct kvm_userspace_memory_region memory = {.memory_size = 4096, .userspace_addr = (uint64_t)code};
	struct kvm_regs regs = {.rflags = 2};
	struct kvm_sregs sregs;

	CHECK(vcpu >= 0);
	CHECK(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &memory) == 0);
	kvm_area = mmap(NULL, (size_t)ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	CHECK(kvm_area != MAP_FAILED);
	memcpy(code, "\xeb\xfe", 2);
	CHECK(ioctl(vcpu, KVM_GET_SREGS, &sregs) == 0);
	sregs.cs.base = sregs.cs.selector = 0;
	CHECK(ioctl(vcpu, KVM_SET_SREGS, &sregs) == 0 && ioctl(vcpu, KVM_SET_REGS, &regs) == 0);
	return vcpu;
}

static void kvm_calls(void)
{
	int vcpu = kvm_vcpu();
	struct kvm_regs regs;

	while (!stop)
		if (ioctl(vcpu, KVM_GET_REGS, &regs) || regs.rflags != 2)
			wrong++;
}

static void guest(void)
{
	int vcpu = kvm_vcpu();

	while (!stop)
		if (ioctl(vcpu, KVM_RUN, 0) != -1 || errno != EINTR)
			wrong++;
}

static const struct kind {
	const char *name;
	void (*run)(void);
	unsigned batch; /* captures between two ends of the loop or call */
} kinds[] = {
	{"computing", computing, 50}, {"vectors", vectors, 50}, {"sleeping", sleeping, 50}, {"stopped", computing, 50},
	{"handler", handler, 20},     {"fault", fault, 0},      {"stepped", fault, 0},      {"sequence", sequences_again, 0},
	{"kvm", kvm_calls, 0},        {"guest", guest, 0},
};

static const struct kind *kind;

static void *thread(void *unused)
{
	(void)unused;
	tid = gettid();
	kind->run();
	return NULL;
}

static void end_of_batch(void)
{
	go_on = 1;
	__atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	if (kvm_area && stop) { /* ends the next KVM_RUN, once this one has ended */
		kvm_area->immediate_exit = 1;
		CHECK(gate_call(DECOUPLE_GATE_CAPTURE, FRAME, 0) == 0);
	}
}

static char state_of(int task)
{
	char path[64], text[512], *state;
	int fd, size;

	snprintf(path, sizeof(path), "/proc/%d/stat", task);
	fd = open(path, O_RDONLY);
	size = (int)read(fd, text, sizeof(text) - 1);
	close(fd);
	text[size > 0 ? size : 0] = 0;
	state = strrchr(text, ')');
	return state ? state[2] : '?';
}

static void wait_for_state(bool stopped)
{
	while ((state_of(tid) == 'T') != stopped)
		sched_yield();
}

/* Until it has been captured once more. */
static void capture_once(pid_t to_stop)
{
	uint64_t before = gate_frame(FRAME)->captures;

	if (to_stop) {
		CHECK(kill(to_stop, SIGSTOP) == 0);
		wait_for_state(true);
		before = gate_frame(FRAME)->captures; /* one that was asked for before may have come late */
		CHECK(gate_call(DECOUPLE_GATE_CAPTURE, FRAME, 0) == 0);
		CHECK(gate_frame(FRAME)->captures == before);
		CHECK(kill(to_stop, SIGCONT) == 0);
	}
	for (unsigned tries = 0; gate_frame(FRAME)->captures == before; tries++) {
		if (tries % 16 == 0) /* in vain while it has not left the gate */
			CHECK(gate_call(DECOUPLE_GATE_CAPTURE, FRAME, 0) == 0);
		CHECK(tries < 100000000);
		sched_yield();
	}
}

/* Captures that must have been in the loop or call, and compared. */
static uint64_t least(void)
{
	return kind->run == fault ? 1 + wanted / 1000 : kind->batch && kind->run != vectors ? wanted / 2 : 0;
}

/* On a slow machine more of them meet the thread between two loops: then it takes more captures to compare as many. */
static bool enough(uint64_t captures)
{
	return captures >= wanted && (!kind->batch || checked >= least() || captures >= 10 * wanted);
}

static int control(pid_t to_stop)
{
	while (!tid)
		sched_yield();
	gate_frame(FRAME)->entry = (uint64_t)captures_entry;
	gate_frame(FRAME)->entry_rsp =
		(uint64_t)mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + 65536;
	gate_frame(FRAME)->entry_rdi = FRAME;
	CHECK(gate_call(DECOUPLE_GATE_ADD, FRAME, (uint64_t)tid) == 0);
	if (!strcmp(kind->name, "stepped")) {
		how = DECOUPLE_RETURN_STEP;
		capture_once(0);
		while (gate_frame(FRAME)->captures < wanted)
			sched_yield();
	}
	for (uint64_t i = gate_frame(FRAME)->captures; !enough(i); i++) {
		capture_once(to_stop);
		if (kind->batch && i % kind->batch == 0)
			end_of_batch();
	}
	stop = 1;
	return 0;
}

/* Shares the memory, but is no thread of the process, and goes on when that is stopped. */
static int controller(void *process)
{
	return control((pid_t)(uintptr_t)process);
}

/* Of one kind, in a process of its own. */
static int test(void)
{
	pthread_t worker;

	gate_open();
	CHECK(pthread_create(&worker, NULL, thread, NULL) == 0);
	if (!strcmp(kind->name, "stopped")) {
		char *stack = malloc(65536);
		int status = 0;
		pid_t child = clone(controller, stack + 65536, CLONE_VM | CLONE_FS | CLONE_FILES | SIGCHLD,
				    (void *)(uintptr_t)getpid());

		CHECK(child > 0);
		CHECK(waitpid(child, &status, 0) == child && status == 0);
	} else {
		control(0);
	}
	while (pthread_tryjoin_np(worker, NULL))
		end_of_batch();
	CHECK(gate_call(DECOUPLE_GATE_REMOVE, FRAME, 0) == 0);
	printf("%s: %lu captures, %lu of them compared, %lu in a sequence, %lu wrong\n", kind->name,
	       (unsigned long)gate_frame(FRAME)->captures, checked, sequences, wrong);
	if (wrong)
		printf("the last: number %lu was %#lx\n", wrong_index, wrong_is);
	if (commits_late)
		printf("%lu sequences went on behind a capture\n", commits_late);
	if (checked < least() || (kind->run == sequences_again && !sequences)) {
		printf("too few captures were where they were wanted\n");
		return 1;
	}
	return wrong || commits_late;
}

int main(int argc, char **argv)
{
	int bad = 0;

	wanted = argc > 2 ? strtoull(argv[2], NULL, 0) : soak_wanted() ? 100000 : 150;
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		int status = 0;
		pid_t child;

		if (argc > 1 && strcmp(argv[1], kinds[i].name))
			continue;
		fflush(stdout);
		child = fork();
		if (!child) {
			kind = &kinds[i];
			exit(test());
		}
		CHECK(waitpid(child, &status, 0) == child);
		if (status)
			printf("%s: wait status %x\n", kinds[i].name, status);
		bad |= status;
	}
	return bad != 0;
}
