/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The signal reflector: capture, doorbell and interruption are the reserved real-time signal 64, sent to one thread with tgkill.
 *
 * Each signal 64 is expected: a sender first claims the permission that the receiver set (slot->home_asleep, call_claim,
 * recapture_claim), and a receiver that finds its permission claimed waits for that very signal. So none arrives late, where it would
 * interrupt a call of the application.
 */
#include "reflector_signal.h"
#include "call_class.h"
#include "cputime.h"
#include "fault.h"
#include "gate.h"
#include "panic.h"

namespace decouple::signal_reflector
{

/* sa_mask bits of the reserved signal, as the application set them (bit per signal). */
static u64 reserved_in_sa_mask;
/* Actions whose sa_mask we made block the reserved signal; see spare_altstack(). */
static u64 spared;
static u32 masks_stripped;

constexpr s64 ms = 1000000;

bool send(s32 tid)
{
	return sys(__NR_tgkill, static_cast<u64>(control.tgid), static_cast<u64>(tid), signal_capture) != -EAGAIN;
}

/*
 * kill(2) needs no entry of the queue. Its signal is the process's, but the kernel offers it to the thread named first (kernel/signal.c:
 * complete_signal), and having been woken is all that thread needs. What is left is taken back, so that no other thread finds it.
 */
void nudge(s32 tid, const u32 *waits)
{
	TimeSpec moment = {0, ms / 50}; /* first for the thread to get into its wait, then to come out of it */
	sys(__NR_nanosleep, addr(&moment), 0);
	if (!load(*waits))
		return;
	sys(__NR_kill, static_cast<u64>(tid), signal_capture);
	sys(__NR_nanosleep, addr(&moment), 0);
	sigtimedwait(capture_bit, nullptr, &no_wait);
}

bool kick(Session *s)
{
	if (send(s->info.vcpu_tid))
		return true;
	nudge(s->info.vcpu_tid, &s->in_kvm_run);
	return false;
}

/* As if sent by kill(2): that needs no entry (kernel/signal.c: __send_signal_locked), but may only be sent to oneself. */
void send_self()
{
	SigInfo info = {};
	info.signo = signal_capture;
	sys(__NR_rt_tgsigqueueinfo, static_cast<u64>(control.tgid), static_cast<u64>(sys(__NR_gettid)), signal_capture,
	    addr(&info));
}

void requeue(Session *s, const SigInfo &info)
{
	while (sys(__NR_rt_tgsigqueueinfo, static_cast<u64>(control.tgid), static_cast<u64>(s->info.tid),
		   static_cast<u64>(info.signo), addr(&info)) == -EAGAIN) {
		TimeSpec t = {0, ms / 10};
		sys(__NR_nanosleep, addr(&t), 0);
	}
}

void take_claimed(Session *s)
{
	/* The sender is between its claim and its tgkill; it may be preempted there, but not for ever. */
	constexpr u32 patience_ms = 100;
	TimeSpec t = {0, ms};
	for (u32 waited = 0; waited < patience_ms; waited++)
		if (sigtimedwait(capture_bit, nullptr, &t) == signal_capture || exchange(s->send_failed, 0u))
			return;
}

/* Sends for a claimed permission. False: it was given back, and the thread perhaps not reached. */
static bool send_claimed(Session *s, u32 *claim)
{
	if (send(s->info.tid))
		return true;
	store(*claim, 1u); /* first: whoever waits for the signal resets it behind send_failed */
	store(s->send_failed, 1u);
	nudge(s->info.tid, claim);
	return !load(*claim);
}

bool intact()
{
	return sigaction_of(signal_capture).handler == addr(&capture_entry);
}

long prepare()
{
	SigAction old = sigaction_of(signal_capture);
	if (old.handler != sig_dfl)
		return -EBUSY;
	SigAction capture = {addr(&capture_entry), sa_siginfo | sa_restorer | sa_restart | sa_onstack, addr(&signal_restorer),
			     ~0ull};
	return set_sigaction(signal_capture, capture);
}

void strip_masks()
{
	if (exchange(masks_stripped, 1u))
		return;
	for (int s = 1; s < signal_capture; s++) {
		SigAction a = sigaction_of(s);
		if (a.handler > sig_ign && (a.mask & capture_bit)) {
			filter_action(s, &a);
			set_sigaction(s, a);
		}
	}
}

void restore_masks()
{
	for (int s = 1; s < signal_capture; s++)
		if ((reserved_in_sa_mask | spared) & bit(s)) {
			SigAction a = sigaction_of(s);
			unfilter_action(s, &a);
			if (a.handler > sig_ign)
				set_sigaction(s, a);
		}
}

void forget_masks()
{
	reserved_in_sa_mask = spared = 0;
	store(masks_stripped, 0u);
}

void release()
{
	restore_masks();
	if (!intact())
		return;
	/* Ignored first: that drops what is still pending (a capture that came to nothing), which would kill by the default action. */
	SigAction ignore = {};
	ignore.handler = sig_ign;
	set_sigaction(signal_capture, ignore);
	set_sigaction(signal_capture, SigAction{});
}

/*
 * Without a handler the mask means nothing and stays: setting such an action once more, when the masks are restored, would drop what is
 * pending (kernel/signal.c: do_sigaction).
 */
void filter_action(int signal, SigAction *a)
{
	u64 b = bit(signal);
	if (a->handler <= sig_ign) {
		__atomic_and_fetch(&reserved_in_sa_mask, ~b, __ATOMIC_RELAXED);
		__atomic_and_fetch(&spared, ~b, __ATOMIC_RELAXED);
		return;
	}
	if (a->mask & capture_bit)
		__atomic_or_fetch(&reserved_in_sa_mask, b, __ATOMIC_RELAXED);
	else
		__atomic_and_fetch(&reserved_in_sa_mask, ~b, __ATOMIC_RELAXED);
	__atomic_and_fetch(&spared, ~b, __ATOMIC_RELAXED);
	a->mask &= ~capture_bit;
}

bool action_blocks_reserved(int signal)
{
	return reserved_in_sa_mask & bit(signal);
}

void unfilter_action(int signal, SigAction *a)
{
	if (spared & bit(signal))
		a->mask &= ~capture_bit;
	if (reserved_in_sa_mask & bit(signal))
		a->mask |= capture_bit;
}

/* The kernel's frame: ucontext, siginfo, return address and the XSAVE image with alignment. */
static u64 frame_room(const Session *s)
{
	return s->fp_size + 1024;
}

void spare_altstack(Session *s, u64 signals)
{
	const StackT &stack = s->context.stack;
	if ((stack.flags & ss_disable) || stack.size == 0 || stack.size >= 2 * frame_room(s) + 1024)
		return;
	for (int n = 1; n < signal_capture; n++) {
		if (!(signals & bit(n)) || (spared & bit(n)))
			continue;
		SigAction a = sigaction_of(n);
		if (a.handler <= sig_ign || !(a.flags & sa_onstack))
			continue;
		a.mask |= capture_bit;
		__atomic_or_fetch(&spared, bit(n), __ATOMIC_RELAXED);
		set_sigaction(n, a);
	}
}

void capture(Session *s)
{
	if (exchange(s->recapture_claim, 0u))
		send_claimed(s, &s->recapture_claim);
}

void wake_home(Session *s)
{
	while (s->slot && exchange(s->slot->home_asleep, 0u) && !send_claimed(s, &s->slot->home_asleep))
		;
}

bool interrupt_call(Session *s)
{
	if (!exchange(s->call_claim, 0u))
		return false;
	return send_claimed(s, &s->call_claim);
}

Wake sleep(Session *s, u64 mask)
{
	/* The bound is for a doorbell that a claimer preempted for long rings behind take_claimed()'s patience. */
	TimeSpec bound = {0, 250 * ms};
	SigInfo info;
	long signal = sigtimedwait(~mask | capture_bit, &info, &bound);
	if (exchange(s->slot->home_asleep, 0u) == 0 && signal != signal_capture) {
		take_claimed(s);
		store(s->slot->home_asleep, 0u);
	}
	if (signal <= 0 || signal == signal_capture)
		return Wake::doorbell;
	requeue(s, info);
	return Wake::signal;
}

bool call(Session *s, const u64 call[7], u64 mask, long *result, CallEnd *end)
{
	/* Stop signals with their default action take effect in the call itself, as natively: it goes on after SIGCONT. */
	u64 stops = 0;
	for (u64 rest = default_stop & ~mask; rest; rest &= rest - 1) {
		int n = __builtin_ctzll(rest) + 1;
		if (sigaction_of(n).handler == sig_dfl)
			stops |= bit(n);
	}
	s->interrupted = 0;
	store(s->send_failed, 0u);
	store(s->effective_mask, mask | stops);
	store(s->call_claim, 1u);
	sigprocmask(sig_unblock, capture_bit | stops);
	long r = interruptible_call(call, &s->interrupted);
	sigprocmask(sig_block, ~0ull);
	if (exchange(s->call_claim, 0u) == 0 && !s->interrupted) {
		take_claimed(s);
		store(s->call_claim, 0u);
	}
	/* What the kernel would let go on by restart_syscall(2) fails behind our handler: so it was not begun. */
	*end = r != -4095 ? CallEnd::eintr : call_sleeps(call[0]) ? CallEnd::not_begun : CallEnd::again;
	*result = r;
	return !(s->interrupted && (r == -4095 || r == -EINTR));
}

bool call_masked(Session *s, const u64 call[7], u64 mask, bool signal, long *result)
{
	s->interrupted = 0;
	store(s->send_failed, 0u);
	store(s->effective_mask, mask);
	if (signal)
		send_self();
	else
		store(s->call_claim, 1u);
	*result = sys(static_cast<long>(call[0]), call[1], call[2], call[3], call[4], call[5], call[6]);
	bool claimed = signal || exchange(s->call_claim, 0u) == 0;
	if (claimed && !s->interrupted) {
		take_claimed(s);
		store(s->call_claim, 0u);
	}
	return !(s->interrupted && *result == -EINTR);
}

[[noreturn]] static void go(Session *s, UContext *frame)
{
	write_fs_base(s->guest.fs_base);
	write_gs_base(s->guest.gs_base);
	cputime_leave_gate(s);
	/* rt_sigreturn takes ID (and NT) from the live flags (arch/x86/kernel/signal_64.c: FIX_EFLAGS). */
	asm volatile("pushfq\n\tandq $~0x204000, (%%rsp)\n\torq %0, (%%rsp)\n\tpopfq" ::"r"(s->context.mc.rflags & 0x204000)
		     : "memory", "cc");
	store(s->mode, static_cast<u32>(load(s->info.state) == SessionState::recoupled ? Mode::left : Mode::native));
	return_by_frame(frame);
}

[[noreturn]] void leave(Session *s, Return how)
{
	s->context.mask = s->mask;
	if (how == Return::moment) {
		/* The vCPU thread captures it a little later, when Linux has done its part. */
		s->recapture_armed = 1;
		store(s->send_failed, 0u);
		store(s->recapture_claim, 1u);
		full_barrier();
		if (load(s->vcpu_idle_asleep))
			futex_wake(&s->command);
	}
	if (how == Return::capture && intact()) {
		s->self_captured = 1;
		send_self();
	}
	go(s, &s->context);
}

[[noreturn]] void leave_by_frame(Session *s, UContext *frame)
{
	if (intact()) {
		s->self_captured = 1;
		send_self();
	}
	go(s, frame);
}

} // namespace decouple::signal_reflector

/* The capture signal's handler has found its session; on the gate stack, all signals blocked. */
extern "C" __attribute__((visibility("hidden"))) void gate_enter(decouple::Session *s, decouple::UContext *u)
{
	using namespace decouple;
	/* The manager may have given the session up since gate.S looked: so the thread was never here. */
	if (exchange(s->mode, static_cast<u32>(Mode::gate)) == static_cast<u32>(Mode::left)) {
		store(s->mode, static_cast<u32>(Mode::left));
		return_by_frame(u);
	}
	/* One capture signal brought us here. If the thread sent itself one and another was claimed, the second is still on its way. */
	bool claimed = s->recapture_armed && exchange(s->recapture_claim, 0u) == 0;
	TimeSpec moment = {0, 2000000};
	if (claimed && s->self_captured)
		sigtimedwait(capture_bit, nullptr, &moment);
	store(s->recapture_claim, 0u);
	s->recapture_armed = s->self_captured = 0;
	s->context = *u;
	const auto *sw = reinterpret_cast<const FpSoftware *>(u->mc.fpstate + fp_sw_offset);
	s->fp_size = sw->extended_size;
	if (s->fp_size > fp_buffer_size || s->fp_size < 512)
		RESIDENT_PANIC(s->fp_size);
	memcpy(s->fp, u->mc.fpstate, s->fp_size);
	s->mask = u->mask & ~capture_bit;
	fault_captured(s);
	/* The gate's own frames must not land on the application's alternate stack, which the guest may be using. */
	if (!(u->stack.flags & ss_disable) && u->stack.size) {
		StackT off = {0, ss_disable, 0, 0};
		sys(__NR_sigaltstack, addr(&off), 0);
	}
	gate_captured(s);
}

/* The reserved signal inside the gate: only ever in an interruptible call. */
extern "C" __attribute__((visibility("hidden"))) void gate_interrupted(decouple::Session *s, decouple::UContext *u)
{
	using namespace decouple;
	s->interrupted = 1;
	if (u->mc.rip >= addr(call_begin) && u->mc.rip < addr(call_end))
		u->mc.rip = addr(call_skip);
}
