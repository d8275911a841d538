/* SPDX-License-Identifier: GPL-2.0-only */
/* See recouple.h. */
#include "recouple.h"
#include "gate.h"
#include "lock.h"
#include "manager.h"
#include "reflector.h"
#include "vm.h"

namespace decouple
{

constexpr s64 ms = 1000000;

static Reason ending; /* all sessions are to end, which the module has asked for; until somebody attaches again */
static s64 ending_since;
static u32 vm_end; /* 1: asked for, 2: over; then there is no way back */

void recouple_all(Reason why)
{
	if (ending == Reason::none)
		ending_since = manager_now_ns();
	store(ending, why);
}

bool recoupling_all()
{
	return ending != Reason::none;
}

void recouple_forget()
{
	ending = Reason::none;
	vm_end = 0;
}

bool vm_ends()
{
	return load(vm_end);
}

Reason manager_recouple_reason()
{
	Reason why = load(ending);
	return why == Reason::none ? Reason::asked : why;
}

/* A debugger waits for the main thread before it stops the others, the vCPU threads among them: these are given back before, if they can be. */
static bool leader_waits(const Session *s)
{
	constexpr s64 patience = 300 * ms; /* the module's is a second */
	return s->info.tid == control.tgid && manager_active_sessions() > 1 && manager_now_ns() - ending_since < patience;
}

long recouple(s32 tid)
{
	long found = -ESRCH;
	if (load(vm_end) == 2)
		return found; /* the last one is on its way, and its slot is gone */
	for (u32 i = 0; i < session_limit; i++) {
		Session *s = session_at(i);
		if (!s || (tid && s->info.tid != tid))
			continue;
		SessionState state = load(s->info.state);
		if (state == SessionState::recoupled || state == SessionState::failed)
			continue;
		if (!tid && ending == Reason::debugger && leader_waits(s))
			continue;
		found = found < 0 ? 1 : found + 1;
		u32 not_captured = static_cast<u32>(Mode::native);
		if (state == SessionState::starting && !s->first_capture_done &&
		    __atomic_compare_exchange_n(&s->mode, &not_captured, static_cast<u32>(Mode::left), false, __ATOMIC_SEQ_CST,
						__ATOMIC_SEQ_CST)) {
			/* Never captured: only our side must end. A capture signal that is still on its way is dropped by gate.S or gate_enter(). */
			gate_quit_vcpu(s);
			reflector_remove(s);
			s->info.reason = manager_recouple_reason();
			store(s->info.state, SessionState::recoupled);
			continue;
		}
		store(s->want, static_cast<u32>(Want::recouple));
		full_barrier(); /* pairs with gate.cc: sleep */
		reflector_wake_home(s);
		if (by_module()) /* else a tracer takes it out: that is exact for calls with a time-out too */
			reflector_interrupt_call(s);
	}
	return found;
}

void manager_recouple_others(Session *self)
{
	s64 deadline = manager_now_ns() + 1000 * ms;
	while (manager_active_sessions() > 1 && manager_now_ns() < deadline) {
		for (u32 i = 0; i < session_limit; i++) {
			Session *s = session_at(i);
			if (!s || s == self || load(s->info.state) == SessionState::recoupled)
				continue;
			store(s->want, static_cast<u32>(Want::recouple));
			full_barrier();
			reflector_wake_home(s);
			reflector_interrupt_call(s);
		}
		TimeSpec t = {0, ms};
		sys(__NR_nanosleep, addr(&t), 0);
	}
}

static void join_vcpus()
{
	for (u32 i = 0; i < session_limit; i++)
		if (Session *s = session_at(i))
			join_thread(&s->vcpu_alive);
}

void serve_vm_end()
{
	if (load(vm_end) != 1)
		return;
	join_vcpus();
	vm_destroy();
	store(vm_end, 2u);
	futex_wake(&vm_end);
}

void manager_end_vm(Session *s)
{
	if (s->info.tid != control.tgid || manager_active_sessions() > 1)
		return;
	s64 deadline = manager_now_ns() + 1000 * ms;
	store(vm_end, 1u);
	manager_poke();
	while (load(vm_end) != 2 && manager_now_ns() < deadline) {
		TimeSpec t = {0, 10 * ms};
		futex_wait(&vm_end, 1, &t);
	}
}

} // namespace decouple
