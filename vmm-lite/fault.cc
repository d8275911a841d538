/* SPDX-License-Identifier: GPL-2.0-only */
/* Catching the signal of a true fault; see fault.h. */
#include "fault.h"
#include "lock.h"
#include "reflector.h"

extern "C" void fault_entry();

namespace decouple {

static Mutex lock;       /* held from fault_expect() until the signal came or the thread was captured without one */
static Session *faulting; /* the holder */
static u64 aside;        /* signals whose action is fault_entry */
static SigAction action_of[32];

/* The signals that an event can turn into (arch/x86/kernel/traps.c, mm/fault.c). */
static u64 signals_of(u32 vector)
{
	switch (vector) {
	case 0:
	case 16:
	case 19:
		return bit(sig_fpe);
	case 1:
	case 3:
		return bit(sig_trap);
	case 6:
		return bit(sig_ill);
	default:
		return bit(sig_segv) | bit(sig_bus);
	}
}

static void put_back()
{
	for (u64 rest = aside; rest; rest &= rest - 1) {
		int n = __builtin_ctzll(rest) + 1;
		if (sigaction_of(n).handler == addr(&fault_entry))
			set_sigaction(n, action_of[n]);
	}
	aside = 0;
}

void fault_expect(Session *s)
{
	u64 wanted = signals_of(s->guest.vector) & ~s->mask, caught = 0;
	for (u64 rest = wanted; rest; rest &= rest - 1) {
		int n = __builtin_ctzll(rest) + 1;
		if (sigaction_of(n).handler > sig_ign)
			caught |= bit(n);
	}
	if (!caught)
		return; /* blocked, ignored or default: Linux ends the process or does nothing */
	lock.lock();
	faulting = s;
	for (u64 rest = caught; rest; rest &= rest - 1) {
		int n = __builtin_ctzll(rest) + 1;
		action_of[n] = sigaction_of(n);
		SigAction ours = {addr(&fault_entry), sa_siginfo | sa_restorer | sa_nodefer | (action_of[n].flags & sa_onstack), addr(&signal_restorer), ~0ull};
		set_sigaction(n, ours);
	}
	aside = caught;
}

void fault_over(Session *s)
{
	if (faulting != s)
		return;
	put_back();
	faulting = nullptr;
	lock.unlock();
}

} // namespace decouple

/* On whichever thread the signal came to: a sibling that faulted natively in that moment is served the same way. */
extern "C" void fault_arrived(int signal, decouple::SigInfo *info, decouple::UContext *)
{
	using namespace decouple;
	s32 tid = static_cast<s32>(sys(__NR_gettid));
	Session *s = faulting && faulting->info.tid == tid ? faulting : nullptr;
	if (s) {
		fault_over(s);
	} else if (sigaction_of(signal).handler == addr(&fault_entry)) {
		set_sigaction(signal, action_of[signal]);
	}
	sys(__NR_rt_tgsigqueueinfo, static_cast<u64>(control.tgid), static_cast<u64>(tid), static_cast<u64>(signal), addr(info));
	if (s) {
		s->self_captured = 1;
		reflector_signal_self();
	}
}
