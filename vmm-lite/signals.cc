/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Application signals of a decoupled thread. The home thread has everything blocked, so the application's mask is virtual
 * (session->mask) and its signals stay pending until the gate lets the kernel deliver them on the true registers.
 */
#include "gate.h"
#include "reflector.h"

namespace decouple
{

static int first_signal(u64 signals)
{
	u64 urgent = signals & synchronous_signals;
	return __builtin_ctzll(urgent ? urgent : signals) + 1;
}

static bool ignored(int signal)
{
	u64 handler = sigaction_of(signal).handler;
	return handler == sig_ign || (handler == sig_dfl && (bit(signal) & default_ignored));
}

/* What the kernel would look at when the mask lets it: ignored signals, too. */
static u64 unblocked(const Session *s)
{
	return sigpending() & ~s->mask & ~unblockable & ~reserved_signals();
}

static u64 ignored_of(u64 signals)
{
	u64 found = 0;
	for (u64 rest = signals; rest; rest &= rest - 1) {
		int n = __builtin_ctzll(rest) + 1;
		if (ignored(n))
			found |= bit(n);
	}
	return found;
}

void signals_drop_ignored(Session *s)
{
	for (u64 rest = ignored_of(unblocked(s)); rest; rest &= rest - 1) {
		int n = __builtin_ctzll(rest) + 1;
		while (sigtimedwait(bit(n), nullptr, &no_wait) == n)
			;
	}
}

u64 signals_pending(Session *s)
{
	u64 pending = unblocked(s);
	u64 to_deliver = pending & ~ignored_of(pending);
	/*
	 * The kernel keeps them only because the home thread blocks them; natively they would not exist. But if there is something to
	 * deliver they take their turns: a handler that comes first may block them, then they stay.
	 */
	if (pending && !to_deliver)
		signals_drop_ignored(s);
	return to_deliver;
}

/*
 * The kernel takes the thread's own queue before the process's: a signal sent to the process would come after the capture signal,
 * and the capture would miss its handler for ever. So it moves to the thread's own queue, siginfo and all. What is ignored and comes
 * before it is dropped, as the kernel does. Returns the signal or 0.
 */
static int take_over(Session *s, u64 signals)
{
	SigInfo info;
	long n;
	do {
		n = sigtimedwait(signals, &info, &no_wait);
		if (n <= 0)
			return 0;
	} while (ignored(static_cast<int>(n)));
	reflector_requeue(s, info);
	return static_cast<int>(n);
}

/* All of them, in order. */
static void take_over_all(Session *s, u64 signals)
{
	constexpr u32 most = 200;
	SigInfo info[most];
	u32 n = 0;
	while (n < most && sigtimedwait(signals, &info[n], &no_wait) > 0)
		n++;
	for (u32 i = 0; i < n; i++)
		reflector_requeue(s, info[i]);
}

/*
 * Natively all frames are stacked before the first handler runs: the thread's own signals first, then the process's. So while several
 * wait, the kernel first delivers what is in the thread's own queue; only when that brought nothing, the process's move over.
 */
static bool prepare_delivery(Session *s, bool progress)
{
	if (!signals_pending(s))
		return false;
	if (reflector_keeps_order()) {
		count(s->info.signals);
		return true;
	}
	u64 pending = unblocked(s);
	bool single = (pending & (pending - 1)) == 0;
	if (single && !take_over(s, pending))
		return false;
	if (!single && !progress)
		take_over_all(s, ~s->mask & ~reserved_signals());
	reflector_spare_altstack(s, pending);
	count(s->info.signals);
	return true;
}

bool signals_restart(u64 signals, CallEnd end)
{
	SigAction a = sigaction_of(first_signal(signals));
	if (end == CallEnd::not_begun)
		return true;
	if (a.handler <= sig_ign)
		return end != CallEnd::eintr;
	return end == CallEnd::again && (a.flags & sa_restart);
}

void signals_deliver(Session *s)
{
	if (!prepare_delivery(s, true)) {
		gate_load(s);
		return;
	}
	s->delivery = {1, s->guest.regs.rip, s->guest.regs.rsp};
	gate_return(s, Return::capture);
}

bool signals_deliver_more(Session *s)
{
	if (!s->delivery.active)
		return false;
	const SigContext &now = s->context.mc;
	bool progress = now.rip != s->delivery.rip || now.rsp != s->delivery.rsp;
	s->delivery = {1, now.rip, now.rsp};
	if (prepare_delivery(s, progress))
		return true;
	s->delivery.active = 0;
	return false;
}

void signals_deliver_temporary(Session *s, u64 temporary)
{
	u64 original = s->mask;
	gate_complete(s, -EINTR);
	if (reflector_keeps_order()) {
		/* As the kernel itself does it: the frame gets the old mask, the choice is made with the temporary one. */
		s->temporary_mask.armed = 1;
		s->temporary_mask.original = original;
		s->mask = temporary;
		count(s->info.signals);
		gate_return(s, Return::capture);
	}
	s->mask = temporary & ~reserved_signals();
	int n = take_over(s, unblocked(s));
	s->mask = original;
	if (!n) {
		gate_load(s);
		return;
	}
	s->delivery = {1, s->guest.regs.rip, s->guest.regs.rsp};
	SigAction a = sigaction_of(n);
	s->temporary_mask.armed = 1;
	s->temporary_mask.original = original;
	s->temporary_mask.signal = 0;
	if (a.handler > sig_ign) {
		/* Exactly this one is delivered; frame and mask become what the kernel would have made of the temporary mask. */
		s->temporary_mask.signal = n;
		s->temporary_mask.handler_mask = (temporary | a.mask | (a.flags & sa_nodefer ? 0 : bit(n))) & ~unblockable;
		if (reflector_action_blocks_reserved(n))
			s->temporary_mask.handler_mask |= reserved_signals();
		s->mask = ~bit(n) & ~reserved_signals();
	} else {
		s->mask = temporary & ~reserved_signals();
	}
	reflector_spare_altstack(s, bit(n));
	count(s->info.signals);
	gate_return(s, Return::capture);
}

/* More than any delivery stacks: a walk over frames ends there, whatever they hold. */
constexpr u32 most_frames = 64;

/*
 * Frames that the kernel built in this delivery lack the application's belief to block the reserved signal: each saved context but the
 * last is the first instruction of another handler, with RDX pointing to its frame.
 */
static void carry_reserved(Session *s)
{
	const SigContext *at = &s->context.mc;
	bool belief = s->mask_has_reserved;
	for (u32 i = 0; i < most_frames && (at->rip != s->delivery.rip || at->rsp != s->delivery.rsp); i++) {
		int signal = static_cast<int>(at->rdi);
		if (signal < 1 || signal >= signal_capture || sigaction_of(signal).handler != at->rip)
			return;
		if (reflector_action_blocks_reserved(signal))
			s->mask_has_reserved = 1;
		auto *frame = reinterpret_cast<UContext *>(at->rdx);
		if (belief)
			frame->mask |= reserved_signals();
		at = &frame->mc;
	}
}

/*
 * Frames and mask become what the kernel would have made of the temporary mask. There are several when the signal was queued more than
 * once and its handler does not block it; RDX points to each one's frame at the handler's first instruction, also without SA_SIGINFO.
 */
static void finish_temporary(Session *s)
{
	auto &t = s->temporary_mask;
	u64 outermost = t.original | (s->mask_has_reserved ? reserved_signals() : 0);
	t.armed = 0;
	s->mask = t.original;
	if (!t.signal)
		return;
	u64 handler = sigaction_of(t.signal).handler;
	const SigContext *at = &s->context.mc;
	UContext *frame = nullptr;
	for (u32 i = 0; i < most_frames && (at->rip != s->delivery.rip || at->rsp != s->delivery.rsp); i++) {
		if (at->rip != handler || static_cast<int>(at->rdi) != t.signal)
			break;
		frame = reinterpret_cast<UContext *>(at->rdx);
		frame->mask = t.handler_mask;
		at = &frame->mc;
	}
	if (!frame)
		return;
	frame->mask = outermost;
	s->mask_has_reserved = (t.handler_mask & reserved_signals()) != 0;
	s->mask = t.handler_mask & ~reserved_signals();
}

void signals_after_capture(Session *s)
{
	if (reflector_keeps_order())
		return;
	if (s->temporary_mask.armed)
		finish_temporary(s);
	else if (s->delivery.active)
		carry_reserved(s);
}

/*
 * A single-step trap comes behind the instruction: going native at RIP would step once more before Linux noticed. Blocked or ignored
 * it would be fatal (force_sig): that Linux decides at its own next step.
 */
bool signals_raise_trap(Session *s)
{
	constexpr s32 trap_trace = 2;
	if ((s->mask & bit(sig_trap)) || sigaction_of(sig_trap).handler <= sig_ign)
		return false;
	SigInfo info = {};
	info.signo = sig_trap;
	info.code = trap_trace;
	memcpy(info.rest + 4, &s->guest.regs.rip, sizeof(u64)); /* si_addr */
	sys(__NR_rt_tgsigqueueinfo, static_cast<u64>(control.tgid), static_cast<u64>(s->info.tid), sig_trap, addr(&info));
	return true;
}

[[noreturn]] void signals_return(Session *s)
{
	auto *frame = reinterpret_cast<UContext *>(s->guest.regs.rsp);
	u64 mask;
	if (!copy_from_app(&mask, addr(&frame->mask), sizeof(mask))) {
		s->mask_has_reserved = (mask & reserved_signals()) != 0;
		mask &= ~reserved_signals();
		if (s->mask_has_reserved)
			copy_to_app(addr(&frame->mask), &mask, sizeof(mask));
	}
	/* What the restored mask lets through is delivered on top of it at once. */
	u64 at[2]; /* rsp, rip */
	if (!copy_from_app(at, addr(&frame->mc.rsp), sizeof(at)))
		s->delivery = {1, at[1], at[0]};
	count(s->info.recouples);
	s->context.mc.rflags = s->guest.regs.rflags;
	store(s->info.state, SessionState::native);
	gate_fill(s, &s->context, s->fp);
	reflector_return_to(s, frame);
}

} // namespace decouple
