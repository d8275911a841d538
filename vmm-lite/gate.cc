/* SPDX-License-Identifier: GPL-2.0-only */
/* Capture, pause, load, return, and the home thread's loop; see gate.h. */
#include "gate.h"
#include "exchange.h"
#include "panic.h"
#include "reflector.h"
#include "vcpu.h"
#include "wake.h"
#include "manager.h"
#include "cputime.h"
#include "fault.h"

namespace decouple
{

constexpr u64 signal_check_us = 10; /* a spinning home thread looks for signals this often */
constexpr u64 kick_again_us = 10000;

static void stop_vcpu(Session *s)
{
	store(s->kick, 1u);
	full_barrier(); /* pairs with run.cc: in_kvm_run before kick */
	u64 deadline = 0;
	while (load(s->status) == static_cast<u32>(VcpuStatus::running)) {
		u64 now = rdtsc();
		if (now >= deadline) {
			deadline = now + kick_again_us * manager_tsc_per_us();
			s->run->immediate_exit = 1;
			if (load(s->slot->vcpu_asleep))
				futex_wake(&s->slot->rep_seq);
			if (load(s->in_kvm_run) && !reflector_kick(s))
				deadline = now;
		}
		pause();
	}
	s->run->immediate_exit = 0;
	store(s->kick, 0u);
}

/* Its state is stale, and must not take the place of the one that the home thread has. */
static void stop_held(Session *s)
{
	GuestState state = s->guest;
	stop_vcpu(s);
	state.cpl = s->guest.cpl;
	s->guest = state;
	store(s->slot->rep_seq, load(s->slot->req_seq));
	s->held = 0;
}

void gate_command(Session *s, VcpuCommand command)
{
	if (s->held)
		stop_held(s);
	store(s->status, static_cast<u32>(VcpuStatus::running));
	store(s->command, static_cast<u32>(command));
	full_barrier(); /* pairs with wait_command() in run.cc */
	if (load(s->vcpu_idle_asleep))
		futex_wake(&s->command);
}

/* The application's state from that of the stopped vCPU. */
static Position take_state(Session *s)
{
	Position p = normalise(s->guest, stub_view(s));
	if (p == Position::loading)
		p = exchange_take_back(s) ? Position::user : Position::lost;
	if (p == Position::lost)
		RESIDENT_PANIC(s->guest.regs.rip);
	return p;
}

Position gate_pause(Session *s)
{
	stop_vcpu(s);
	store(s->info.state, SessionState::paused);
	Position p = take_state(s);
	store(s->slot->rep_seq, load(s->slot->req_seq));
	return p;
}

void gate_hold(Session *s)
{
	if (exchange_hold(s))
		store(s->info.state, SessionState::paused);
	else
		gate_pause(s);
}

void gate_fill(Session *s, UContext *context, u8 *fp)
{
	if (context != &s->context) {
		*context = s->context;
		memcpy(fp, s->fp, s->fp_size);
	}
	context->mc.fpstate = fp;
	context->mask = s->mask;
	regs_to_context(context->mc, s->guest.regs);
	xsave_to_frame(fp, s->fp_size, s->xsave, vm.xsave_size, vm.xsave);
}

/* session->context and fp. */
static void load_context(Session *s)
{
	store(s->info.state, SessionState::decoupled);
	if (s->held)
		exchange_load(s);
	else
		gate_command(s, VcpuCommand::load);
}

void gate_load(Session *s)
{
	gate_fill(s, &s->context, s->fp);
	load_context(s);
}

void gate_answer(Session *s, u32 reply)
{
	struct decouple_slot *slot = s->slot;
	slot->reply = reply;
	store(slot->rep_seq, load(slot->req_seq));
	full_barrier(); /* pairs with the vCPU thread's before it sleeps, and the guest's before it halts */
	if (load(slot->vcpu_asleep))
		futex_wake(&slot->rep_seq);
	if (load(slot->vcpu_halted))
		wake_vcpu(s);
}

void gate_reply(Session *s, long ret)
{
	s->slot->ret = static_cast<u64>(ret);
	gate_answer(s, DECOUPLE_REPLY_RETURN);
}

void gate_complete(Session *s, long ret)
{
	s->guest.regs.rip += 2;
	s->guest.regs.rax = static_cast<u64>(ret);
}

void gate_quit_vcpu(Session *s)
{
	gate_command(s, VcpuCommand::quit);
	join_thread(&s->vcpu_alive);
}

long gate_mirror(Session *s, u64 nr, u64 a, u64 b, u64 c)
{
	s->mirror[0] = nr, s->mirror[1] = a, s->mirror[2] = b, s->mirror[3] = c;
	gate_command(s, VcpuCommand::mirror);
	while (load(s->status) == static_cast<u32>(VcpuStatus::running))
		pause();
	return s->mirror_result;
}

/* What the gate changed of the home thread beside its registers and mask. */
static void give_back_thread(Session *s)
{
	gate_unpin(s);
	if (s->rseq.address)
		sys(__NR_rseq, s->rseq.address, s->rseq.length, 0, s->rseq.signature);
	if (manager_active_sessions() == 1)
		reflector_last_leave();
}

[[noreturn]] void gate_return(Session *s, Return how)
{
	s->in_moment = how == Return::moment;
	gate_fill(s, &s->context, s->fp);
	count(s->info.recouples);
	if (load(s->info.state) != SessionState::recoupled)
		store(s->info.state, SessionState::native);
	reflector_return(s, how);
}

/* The session is over; all but the return. */
static void end_session(Session *s, Reason reason, s64 detail)
{
	give_back_thread(s);
	s->info.reason = reason;
	s->info.detail = detail;
	if (s->mask_has_reserved)
		s->mask |= reserved_signals();
	store(s->recapture_claim, 0u);
	/* From here the vCPU thread and the manager may tear down; nothing of theirs is used below. */
	gate_command(s, VcpuCommand::quit);
	if (reason == Reason::debugger)
		manager_end_vm(s);
	store(s->info.state, SessionState::recoupled);
}

[[noreturn]] void gate_leave(Session *s, Reason reason, s64 detail)
{
	end_session(s, reason, detail);
	gate_return(s, Return::stay);
}

/*
 * What the thread did natively, before its first capture or in a moment, a guest can't follow: it goes on as it came. gate_captured() has
 * switched RDTSC on, which the gate needs.
 */
[[noreturn]] static void leave_as_it_came(Session *s, s64 call)
{
	end_session(s, Reason::unsupported_call, call);
	count(s->info.recouples);
	if (call == __NR_prctl)
		sys(__NR_prctl, pr_set_tsc, pr_tsc_sigsegv);
	reflector_return(s, Return::stay);
}

/* The application's CPU mask is virtual from here on; the task itself stays on its service core. */
void gate_pin(Session *s)
{
	s->pinned = 1;
	long n = sys(__NR_sched_getaffinity, 0, sizeof(s->affinity), addr(s->affinity));
	s->affinity_size = n > 0 ? static_cast<u64>(n) : 0;
	u64 core[16] = {};
	core[s->info.service_core / 64] = 1ull << (s->info.service_core % 64);
	sys(__NR_sched_setaffinity, 0, sizeof(core), addr(core));
}

void gate_unpin(Session *s)
{
	if (s->pinned && s->affinity_size)
		sys(__NR_sched_setaffinity, 0, s->affinity_size, addr(s->affinity));
	s->pinned = 0;
}

static void first_capture(Session *s)
{
	s->first_capture_done = 1;
	reflector_first_capture(s);
	const Handover &h = s->info.handover;
	s->rseq = {h.rseq, h.rseq_len, h.rseq_sig};
	s->mask_has_reserved = h.reserved_blocked;
	/* Only the thread itself can unregister; in the guest the kernel could not keep the area's promises. */
	if (s->rseq.address && sys(__NR_rseq, s->rseq.address, s->rseq.length, 1, s->rseq.signature) < 0)
		s->rseq.address = 0;
	cputime_first_capture(s);
}

/* The thread was asked to leave. */
[[noreturn]] static void leave_as_asked(Session *s)
{
	if (load(s->core_lost))
		gate_leave(s, Reason::core_lost, s->info.core);
	gate_leave(s, manager_recouple_reason(), 0);
}

/* An application signal or the resident's own business while nothing is to be served. */
static void attend(Session *s)
{
	if (load(s->want) == static_cast<u32>(Want::recouple)) {
		gate_pause(s);
		leave_as_asked(s);
	}
	if (load(s->want) == static_cast<u32>(Want::round_trips) && s->round_trips_left) {
		s->round_trip_start = rdtsc();
		gate_pause(s);
		gate_return(s, Return::capture);
	}
	if (reflector_signal_possible(s) && signals_pending(s)) {
		gate_pause(s);
		signals_deliver(s);
	}
}

/* The vCPU stopped by itself: an exception, or memory that KVM could not reach. Not emulated: Linux judges the instruction. */
[[noreturn]] static void handle_event(Session *s)
{
	count(s->info.faults);
	take_state(s);
	store(s->slot->rep_seq, load(s->slot->req_seq));
	u8 opcode;
	constexpr u8 int3_opcode = 0xcc;
	constexpr u32 breakpoint = 3;
	if (s->guest.vector == breakpoint && !copy_from_app(&opcode, s->guest.regs.rip, 1) && opcode != int3_opcode)
		s->guest.regs.rip--; /* CD 03 */
	reflector_spare_altstack(s, synchronous_signals);
	constexpr u32 debug_trap = 1;
	/* In the stub's own code it belongs to the SYSCALL instruction, after which Linux traps one instruction later: natively. */
	if (s->guest.vector == debug_trap && !(s->guest.trap_rip >> 63) && signals_raise_trap(s))
		gate_return(s, Return::capture);
	/* Here too: a thread whose every instruction faults, as where no file can be opened any more, never gets to attend(). */
	if (load(s->want) == static_cast<u32>(Want::recouple))
		leave_as_asked(s);
	fault_expect(s);
	gate_return(s, Return::moment);
}

static void sleep(Session *s)
{
	struct decouple_slot *slot = s->slot;
	store(s->send_failed, 0u);
	store(slot->home_asleep, 1u);
	full_barrier(); /* pairs with the stub's xchg and the vCPU thread's store of its status */
	bool idle = load(slot->req_seq) == load(slot->rep_seq) && load(s->status) == static_cast<u32>(VcpuStatus::running) &&
		    !load(s->want);
	if (!idle) {
		/* Somebody may have claimed the word already and be about to ring. */
		if (exchange(slot->home_asleep, 0u) == 0)
			reflector_take_claimed(s);
		return;
	}
	reflector_sleep(s, s->mask);
	cputime_mark(s);
}

[[noreturn]] static void serve(Session *s)
{
	struct decouple_slot *slot = s->slot;
	u64 tsc_per_us = manager_tsc_per_us();
	u64 idle_since = rdtsc(), checked = idle_since;
	for (;;) {
		u64 now;
		if (load(slot->req_seq) != slot->rep_seq) {
			call_serve(s);
			idle_since = now = rdtsc();
		} else {
			pause();
			now = rdtsc();
		}
		if (load(s->status) == static_cast<u32>(VcpuStatus::event))
			handle_event(s);
		if (now - checked > signal_check_us * tsc_per_us) {
			attend(s);
			checked = now;
		}
		if (now - idle_since > control.config.home_spin_us * tsc_per_us) {
			sleep(s);
			attend(s);
			idle_since = checked = rdtsc();
		}
	}
}

[[noreturn]] void gate_captured(Session *s)
{
	s->context.mc.fpstate = s->fp;
	s->guest.fs_base = read_fs_base();
	s->guest.gs_base = read_gs_base();
	long off = s->in_moment || !s->first_capture_done ? instruction_off() : 0;
	if (off == __NR_prctl)
		sys(__NR_prctl, pr_set_tsc, pr_tsc_enable);
	s->in_moment = 0;
	count(s->info.captures);
	cputime_enter_gate(s);
	if (!s->pinned)
		gate_pin(s);
	if (!s->first_capture_done)
		first_capture(s);
	signals_after_capture(s);
	if (off)
		leave_as_it_came(s, off);
	if (signals_deliver_more(s)) {
		store(s->info.state, SessionState::native);
		reflector_return(s, Return::capture);
	}
	if (s->round_trip_start && s->round_trips_left) {
		manager_sample(rdtsc() - s->round_trip_start);
		s->round_trip_start = 0;
		if (--s->round_trips_left == 0)
			store(s->want, static_cast<u32>(Want::none));
	}
	load_context(s);
	serve(s);
}

} // namespace decouple

/* A tracer took the home thread out of a blocked call for a recouple: `nr` is the call's number, or restart_syscall's. */
extern "C" __attribute__((visibility("hidden"))) void gate_leave_blocked(decouple::u64 nr)
{
	using namespace decouple;
	sigprocmask(sig_block, ~0ull);
	Session *s = session_of(static_cast<s32>(sys(__NR_gettid)));
	if (!s)
		RESIDENT_PANIC(nr);
	if (exchange(s->call_claim, 0u) == 0 && !s->interrupted)
		reflector_take_claimed(s);
	gate_pause(s);
	if (nr != __NR_restart_syscall)
		gate_leave(s, manager_recouple_reason(), 0);
	/* rt_sigreturn would drop the kernel's restart block: everything is loaded in user mode. */
	s->guest.regs.rax = nr;
	give_back_thread(s);
	s->info.reason = manager_recouple_reason();
	if (s->mask_has_reserved)
		s->mask |= reserved_signals();
	gate_fill(s, &s->context, s->fp);
	if (!(s->context.stack.flags & ss_disable) && s->context.stack.size) {
		/* SS_ONSTACK is an answer, not a flag to set. */
		StackT stack = s->context.stack;
		stack.flags &= ~1u;
		sys(__NR_sigaltstack, addr(&stack), 0);
	}
	count(s->info.recouples);
	gate_command(s, VcpuCommand::quit);
	store(s->mode, static_cast<u32>(Mode::left));
	store(s->info.state, SessionState::recoupled);
	write_fs_base(s->guest.fs_base);
	write_gs_base(s->guest.gs_base);
	sigprocmask(sig_setmask, s->mask);
	return_by_registers(&s->context.mc, s->xsave);
}
