/* SPDX-License-Identifier: GPL-2.0-only */
/* The vCPU thread: KVM_RUN, and what little must happen when it returns. In steady state it never does. */
#include "manager.h"
#include "panic.h"
#include "place.h"
#include "reflector.h"
#include "setup_step.h"
#include "task_name.h"
#include "vcpu.h"
#include "wake.h"
#include "decouple/layout.h"

namespace decouple
{

constexpr u64 idle_spin_us = 40; /* for the next command, before sleeping */
constexpr u64 reply_spin_us = 20; /* for a reply after the guest's own polls */
constexpr s64 watch_ns = 1000000; /* how often a sleeping vCPU thread looks for signals of its blocked home thread */
constexpr u64 recapture_us = 30; /* first delay; doubled while the same instruction keeps faulting */
constexpr u32 recapture_tries_max = 12;
constexpr u32 same_fault_max = 4;

static u64 us(u64 n)
{
	return n * manager_tsc_per_us();
}

/* Reads a small proc file that is kept open. */
static long read_status(s32 fd, char *buffer, u64 size)
{
	long n = sys(__NR_pread64, static_cast<u64>(fd), addr(buffer), size - 1, 0);
	if (n > 0)
		buffer[n] = 0;
	return n;
}

static u64 hex_field(const char *text, const char *name)
{
	for (const char *line = text; *line;) {
		const char *a = line, *b = name;
		while (*b && *a == *b)
			a++, b++;
		if (!*b) {
			u64 v = 0;
			for (a++; *a && *a != '\n'; a++)
				if (*a > ' ')
					v = v << 4 | static_cast<u64>(*a <= '9' ? *a - '0' : *a - 'a' + 10);
			return v;
		}
		while (*line && *line != '\n')
			line++;
		line += *line == '\n';
	}
	return 0;
}

/* A signal that would interrupt the home thread's call natively. */
static bool home_has_signal(Session *s)
{
	char text[2048];
	if (read_status(s->status_fd, text, sizeof(text)) <= 0)
		return false;
	u64 caught = hex_field(text, "SigCgt:"), ignored = hex_field(text, "SigIgn:") | (default_ignored & ~caught);
	u64 pending = hex_field(text, "SigPnd:") | hex_field(text, "ShdPnd:");
	return (pending & ~ignored & ~load(s->effective_mask) & ~capture_bit) != 0;
}

/* The thread runs on a CPU or waits for one: a capture signal cannot hit a native blocking call. */
static bool home_runs(Session *s)
{
	char text[2048];
	if (read_status(s->status_fd, text, sizeof(text)) <= 0)
		return false;
	for (const char *p = text; *p; p++)
		if (p[0] == 'S' && p[1] == 't' && p[2] == 'a' && p[3] == 't' && p[4] == 'e' && p[5] == ':')
			return p[7] == 'R';
	return false;
}

/* Sleeps on a word of the session; bounded only where something must be looked at meanwhile. */
static void doze(u32 *word, u32 value, s64 ns)
{
	TimeSpec t = {0, ns};
	futex_wait(word, value, ns ? &t : nullptr);
}

static bool running_natively(Session *s)
{
	return load(s->mode) == static_cast<u32>(Mode::native) && load(s->recapture_claim);
}

static VcpuCommand wait_command(Session *s)
{
	u64 since = rdtsc();
	u32 c;
	while (!(c = load(s->command))) {
		u64 waited = rdtsc() - since;
		if (running_natively(s)) {
			u32 tries = s->recapture_tries < recapture_tries_max ? s->recapture_tries : recapture_tries_max;
			u64 delay = recapture_us << tries;
			if (waited < us(delay)) {
				if (delay > 200)
					doze(&s->command, 0, static_cast<s64>(delay) * 1000);
				else
					pause();
				continue;
			}
			if (home_runs(s))
				reflector_capture(s);
			since = rdtsc();
			continue;
		}
		if (waited < us(idle_spin_us)) {
			pause();
			continue;
		}
		store(s->vcpu_idle_asleep, 1u);
		full_barrier(); /* pairs with gate_command() and gate_return_for_a_moment() */
		if (!load(s->command) && !load(s->recapture_claim))
			doze(&s->command, 0, 0);
		store(s->vcpu_idle_asleep, 0u);
		since = rdtsc();
	}
	store(s->command, 0u);
	return static_cast<VcpuCommand>(c);
}

/* The guest rang: its home thread sleeps or takes long. Waits here for the reply. */
static void wait_reply(Session *s)
{
	struct decouple_slot *slot = s->slot;
	count(s->info.doorbells);
	reflector_wake_home(s);
	u64 since = rdtsc();
	u32 rep;
	while ((rep = load(slot->rep_seq)) != slot->req_seq && !load(s->kick)) {
		if (rdtsc() - since < us(reply_spin_us)) {
			pause();
			continue;
		}
		store(slot->vcpu_asleep, 1u);
		full_barrier(); /* pairs with gate_reply() and gate.cc: stop_vcpu */
		if (load(slot->rep_seq) == rep && !load(s->kick))
			doze(&slot->rep_seq, rep, reflector_watches_calls() ? 0 : watch_ns);
		store(slot->vcpu_asleep, 0u);
		if (!reflector_watches_calls() && load(slot->rep_seq) == rep && load(s->call_claim) && home_has_signal(s))
			reflector_interrupt_call(s);
	}
}

/* Hands the stopped vCPU to the home thread. */
static void stop(Session *s, VcpuStatus status)
{
	store(s->in_kvm_run, 0u);
	MUST(vcpu_save(s));
	if (s->run->exit_reason == KVM_EXIT_MMIO || s->run->exit_reason == KVM_EXIT_IO) {
		/* The emulator would otherwise finish the old access with the next state's registers. */
		s->run->immediate_exit = 1;
		sys(__NR_ioctl, static_cast<u64>(s->vcpu_fd), KVM_RUN, 0);
		s->run->immediate_exit = 0;
		s->run->exit_reason = 0;
	}
	store(s->status, static_cast<u32>(status));
	full_barrier(); /* pairs with gate.cc: sleep */
	reflector_wake_home(s);
}

/* KVM's GUP does not grow stacks: a user-mode access by the kernel does. True: something may have changed, run again. */
static bool grow_stack(Session *s)
{
	u64 rsp = s->run->s.regs.regs.rsp;
	if (rsp - s->last_probe_rsp + 4096 <= 8192)
		return false;
	s->last_probe_rsp = rsp;
	bool ok = sys(__NR_rt_sigprocmask, sig_block, (rsp - 128) & ~7ull, 0, 8) == 0;
	sys(__NR_rt_sigprocmask, sig_block, (rsp - 4096) & ~7ull, 0, 8);
	return ok;
}

/* Repeated faults of one instruction at one address: Linux must judge. */
static bool fault_repeats(Session *s, u64 rip, u64 address)
{
	if (rip != s->last_fault_rip || address != s->last_fault_addr) {
		s->last_fault_rip = rip;
		s->last_fault_addr = address;
		s->same_faults = 0;
	}
	return ++s->same_faults > same_fault_max;
}

static bool in_vector_stub(u64 rip)
{
	u64 stubs = DECOUPLE_STUB_VA + DECOUPLE_STUB_OFF_TRAPS;
	return rip >= stubs && rip < stubs + DECOUPLE_TRAP_IRET;
}

/* A vector stub was entered. True: resolved, the instruction is to be retried. */
static bool handle_trap(Session *s)
{
	const struct kvm_regs &r = s->run->s.regs.regs;
	u32 vector = static_cast<u32>((r.rip - DECOUPLE_STUB_VA - DECOUPLE_STUB_OFF_TRAPS) / DECOUPLE_TRAP_STRIDE);
	if (vector >= 32 && vector != 0x80) {
		vcpu_retry_trap(s); /* a spurious interrupt */
		return true;
	}
	if (vector != 14)
		return false;
	struct kvm_sregs sregs;
	MUST(sys(__NR_ioctl, static_cast<u64>(s->vcpu_fd), KVM_GET_SREGS, addr(&sregs)));
	GuestState g = {};
	g.regs = r;
	if (normalise(g, stub_view(s)) == Position::lost)
		return false;
	count(s->info.page_exits);
	constexpr u64 fetch = 0x10, write = 2;
	Access access = g.error_code & fetch ? Access::fetch : g.error_code & write ? Access::write : Access::read;
	if (fault_repeats(s, g.trap_rip, sregs.cr2) || !vm_resolve(sregs.cr2, access))
		return false;
	vcpu_retry_trap(s);
	return true;
}

/* Runs the guest until the home thread wants it stopped or something happened that is not ours to resolve. */
static void run(Session *s)
{
	struct kvm_run *r = s->run;
	for (;;) {
		store(s->in_kvm_run, 1u);
		full_barrier(); /* pairs with gate.cc: stop_vcpu */
		if (load(s->kick) || !place_keep(s))
			return stop(s, VcpuStatus::paused);
		long e = sys(__NR_ioctl, static_cast<u64>(s->vcpu_fd), KVM_RUN, 0);
		count(s->info.exits);
		if (e == -EINTR) {
			r->exit_reason = 0;
			reflector_kicked();
			r->immediate_exit = 0;
			if (!reflector_unfetched(s))
				continue;
			s->event_vector = no_vector;
			return stop(s, VcpuStatus::event);
		}
		if (e == -EFAULT) {
			/* No VMA, no right, no page behind the file, or a stack that must grow. */
			r->exit_reason = 0;
			if (grow_stack(s))
				continue;
			s->event_vector = no_vector;
			return stop(s, VcpuStatus::event);
		}
		if (e < 0)
			RESIDENT_PANIC(e);
		switch (r->exit_reason) {
		case KVM_EXIT_MMIO:
			if (r->mmio.phys_addr - DECOUPLE_GPA_DOORBELL < DECOUPLE_DOORBELL_SIZE) {
				store(s->in_kvm_run, 0u);
				wait_reply(s);
				continue;
			}
			break;
		case KVM_EXIT_IO:
			if (in_vector_stub(r->s.regs.regs.rip) && handle_trap(s))
				continue;
			break;
		case KVM_EXIT_INTR:
			continue;
		}
		return stop(s, VcpuStatus::event);
	}
}

static SetupError prepare(Session *s)
{
	char path[48];
	task_path(path, s->info.tid, "status");
	long fd = sys(__NR_open, addr(path), 02000000 /* O_CLOEXEC */, 0);
	if (fd < 0)
		return {SetupStep::open_maps, fd};
	s->status_fd = static_cast<s32>(fd);
	SetupError r = vcpu_create(s);
	if (failed(r))
		return r;
	if (!vm.probed)
		vcpu_enter_nowhere(s);
	/* Only now: the application's thread may still compute on that core. */
	long e = place_vcpu(s);
	if (e < 0)
		return {SetupStep::place, e};
	r = vcpu_set_up(s);
	if (!failed(r) && !vm.probed) {
		r = vcpu_probe(s);
		if (!failed(r))
			r = vm_after_probe();
	}
	if (!failed(r) && (e = reflector_vcpu(s)) < 0)
		return {SetupStep::doorbell, e};
	if (!failed(r) && (e = wake_set_up(s)) < 0)
		return {SetupStep::wake, e};
	return r;
}

[[noreturn]] void vcpu_thread(void *session)
{
	auto *s = static_cast<Session *>(session);
	sigprocmask(sig_setmask, ~0ull);
	s->info.vcpu_tid = static_cast<s32>(sys(__NR_gettid));
	name_thread("dec-vcpu/", s->info.tid);
	SetupError e = prepare(s);
	s->info.error = static_cast<s32>(e.error);
	if (failed(e)) {
		control.error_step = static_cast<u32>(e.step);
		store(s->info.state, SessionState::failed);
	} else {
		store(s->info.state, SessionState::starting);
	}
	futex_wake(reinterpret_cast<u32 *>(&s->info.state));
	for (VcpuCommand c; !failed(e) && (c = wait_command(s)) != VcpuCommand::quit;) {
		switch (c) {
		case VcpuCommand::load:
			MUST(vcpu_load(s));
			if (!s->info.first_run_tsc)
				s->info.first_run_tsc = rdtsc();
			run(s);
			break;
		case VcpuCommand::mirror:
			s->mirror_result = sys(static_cast<long>(s->mirror[0]), s->mirror[1], s->mirror[2], s->mirror[3]);
			store(s->status, static_cast<u32>(VcpuStatus::idle));
			break;
		default:
			break;
		}
	}
	vcpu_destroy(s);
	if (s->status_fd > 0)
		sys(__NR_close, static_cast<u64>(s->status_fd));
	s->status_fd = 0;
	for (;;)
		sys(__NR_exit, 0);
}

} // namespace decouple
