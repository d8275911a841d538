/* SPDX-License-Identifier: GPL-2.0-only */
/* Catching the signal of a true fault; see fault.h. */
#include "fault.h"
#include "lock.h"
#include "reflector_signal.h"

extern "C" void fault_entry();

namespace decouple
{

static Mutex lock; /* held from fault_expect() until the signal came or the thread was captured without one */
static Session *faulting; /* the holder */
static u64 aside; /* signals whose action is fault_entry */
static SigAction action_of[32];

constexpr u64 trap_flag = 0x100;

/* It may block, and enters the kernel by itself. */
static bool is_system_call(const Session *s)
{
	constexpr u8 syscall_code[2] = {0x0f, 0x05};
	u8 code[2];
	return !copy_from_app(code, s->guest.regs.rip, sizeof(code)) && code[0] == syscall_code[0] &&
	       code[1] == syscall_code[1];
}

/* PUSHF would show the flag that single-stepping sets; behind rt_sigreturn it is the application's own. */
bool fault_may_step(const Session *s)
{
	constexpr u8 pushf = 0x9c, operand_size = 0x66;
	u8 code[2];
	if ((s->guest.regs.rflags & trap_flag) || is_system_call(s))
		return false;
	if (copy_from_app(code, s->guest.regs.rip, sizeof(code)))
		return false;
	return code[0] != pushf && (code[0] != operand_size || code[1] != pushf);
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
	if (by_module() || is_system_call(s)) /* not while the others wait for the lock */
		return;
	/* Not those of the guest's exception alone: it may be another one natively (INT 88 is an invalid opcode to PVM). */
	u64 wanted = synchronous_signals & ~bit(sig_sys) & ~s->mask, caught = 0;
	for (u64 rest = wanted; rest; rest &= rest - 1) {
		int n = __builtin_ctzll(rest) + 1;
		if (sigaction_of(n).handler > sig_ign)
			caught |= bit(n);
	}
	bool step = fault_may_step(s);
	if (step)
		caught |= bit(sig_trap);
	if (!caught)
		return; /* blocked, ignored or default: Linux ends the process or does nothing */
	lock.lock();
	faulting = s;
	s->step = {step, (s->mask & bit(sig_trap)) != 0};
	if (step) {
		s->guest.regs.rflags |= trap_flag;
		s->mask &= ~bit(sig_trap);
	}
	for (u64 rest = caught; rest; rest &= rest - 1) {
		int n = __builtin_ctzll(rest) + 1;
		action_of[n] = sigaction_of(n);
		SigAction ours = {addr(&fault_entry), sa_siginfo | sa_restorer | sa_nodefer | (action_of[n].flags & sa_onstack),
				  addr(&signal_restorer), ~0ull};
		set_sigaction(n, ours);
	}
	aside = caught;
}

static void fault_over(Session *s)
{
	if (faulting != s)
		return;
	put_back();
	faulting = nullptr;
	lock.unlock();
}

/* The thread's context as it would be without our stepping. */
static void unstep(Session *s, UContext *u)
{
	if (!s->step.on)
		return;
	u->mc.rflags &= ~trap_flag;
	if (s->step.trap_blocked)
		u->mask |= bit(sig_trap);
	s->step.on = 0;
}

void fault_captured(Session *s)
{
	unstep(s, &s->context);
	if (s->step.trap_blocked)
		s->mask |= bit(sig_trap);
	s->step = {};
	fault_over(s);
}

} // namespace decouple

/* On whichever thread the signal came to: a sibling that faulted natively in that moment is served the same way. */
extern "C" void fault_arrived(int signal, decouple::SigInfo *info, decouple::UContext *u)
{
	using namespace decouple;
	constexpr s32 trap_trace = 2;
	s32 tid = static_cast<s32>(sys(__NR_gettid));
	Session *s = faulting && faulting->info.tid == tid ? faulting : nullptr;
	if (s) {
		bool passed = s->step.on && signal == sig_trap && info->code == trap_trace;
		unstep(s, u);
		fault_over(s);
		s->self_captured = 1;
		signal_reflector::send_self();
		if (passed)
			return;
		s->delivery = {1, u->mc.rip, u->mc.rsp};
	} else if (sigaction_of(signal).handler == addr(&fault_entry)) {
		set_sigaction(signal, action_of[signal]);
	}
	sys(__NR_rt_tgsigqueueinfo, static_cast<u64>(control.tgid), static_cast<u64>(tid), static_cast<u64>(signal),
	    addr(info));
}
