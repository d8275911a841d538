/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The calls that change the state that is moved, or that name the core. For each, Linux still does the work; what is treated is only
 * what differs because the caller's registers, mask, stack or core are elsewhere.
 */
#include "calls.h"
#include "gate.h"
#include "manager.h"
#include "reflector.h"

namespace decouple
{

static long sigmask(Session *s, const u64 call[7], bool *unblocked)
{
	u64 how = call[1], set_at = call[2], old_at = call[3], set = 0;
	if (call[4] != 8)
		return -EINVAL;
	if (set_at) {
		/* Everything is blocked here: blocking more changes nothing and says whether the pointer is good. */
		long e = sys(__NR_rt_sigprocmask, sig_block, set_at, 0, 8);
		if (e)
			return e;
		set = *reinterpret_cast<const volatile u64 *>(set_at);
		if (how > sig_setmask)
			return -EINVAL;
	}
	u64 old = s->mask | (s->mask_has_reserved ? reserved_signals() : 0);
	if (set_at) {
		u64 to = how == sig_block ? old | set : how == sig_unblock ? old & ~set : set;
		to &= ~unblockable;
		/* What is ignored now would not exist natively; blocked, it would. */
		if (to & ~old)
			signals_drop_ignored(s);
		s->mask_has_reserved = (to & reserved_signals()) != 0;
		s->mask = to & ~reserved_signals();
		*unblocked = (old & ~to) != 0;
	}
	if (old_at) {
		long e = sys(__NR_rt_sigprocmask, sig_block, 0, old_at, 8);
		if (e)
			return e;
		*reinterpret_cast<volatile u64 *>(old_at) = old;
	}
	return 0;
}

/* The application wants the reserved signal for itself: it gets it, and every thread goes native for good. */
static void give_up_reserved_signal(Session *s)
{
	manager_recouple_others(s);
	gate_pause(s);
	gate_leave(s, Reason::signal64_taken, 0);
}

static long sigaction(Session *s, const u64 call[7])
{
	int n = static_cast<int>(call[1]);
	u64 act_at = call[2], old_at = call[3];
	if (call[4] != 8 || n < 1 || n > signal_capture)
		return call_execute(call);
	SigAction act, old = bit(n) & reserved_signals() ? SigAction{} : sigaction_of(n);
	if (act_at && copy_from_app(&act, act_at, sizeof(act)))
		return -EFAULT;
	reflector_unfilter_action(n, &old);
	if (act_at) {
		if (bit(n) & reserved_signals())
			give_up_reserved_signal(s);
		reflector_filter_action(n, &act);
		long e = set_sigaction(n, act);
		if (e)
			return e;
	}
	return old_at ? copy_to_app(old_at, &old, sizeof(old)) : 0;
}

/* The kernel judges by the caller's stack pointer whether the stack is in use: it is lent the guest's for the one instruction. */
static long altstack(Session *s, const u64 call[7])
{
	StackT now = s->context.stack, off = {0, ss_disable, 0, 0};
	now.flags &= ~1u; /* SS_ONSTACK is an answer */
	sys(__NR_sigaltstack, addr(&now), 0);
	long ret = __NR_sigaltstack;
	asm volatile("xchg %%rsp, %%rbx\n\tsyscall\n\txchg %%rsp, %%rbx"
		     : "+a"(ret)
		     : "D"(call[1]), "S"(call[2]), "b"(s->slot->saved_rsp)
		     : "rcx", "r11", "memory");
	sys(__NR_sigaltstack, 0, addr(&now));
	now.flags &= ~1u;
	s->context.stack = now;
	/* The signal reflector's frames must not land there. */
	if (!by_module() && !(now.flags & ss_disable) && now.size)
		sys(__NR_sigaltstack, addr(&off), 0);
	return ret;
}

static long rseq(Session *s, const u64 call[7])
{
	RseqArea asked = {call[1], static_cast<u32>(call[2]), static_cast<u32>(call[4])};
	constexpr u64 unregister = 1;
	bool same = s->rseq.address && s->rseq.address == asked.address;
	if (call[3] == unregister) {
		if (!same || s->rseq.length != asked.length)
			return -EINVAL;
		if (s->rseq.signature != asked.signature)
			return -EPERM;
		s->rseq.address = 0;
		return 0;
	}
	if (call[3] == 0 && s->rseq.address)
		return same && s->rseq.length == asked.length ? (s->rseq.signature == asked.signature ? -EBUSY : -EPERM)
							      : -EINVAL;
	/* The kernel checks the area; it is registered for good when the thread goes native. */
	long e = sys(__NR_rseq, asked.address, asked.length, call[3], asked.signature);
	if (e)
		return e;
	sys(__NR_rseq, asked.address, asked.length, unregister, asked.signature);
	s->rseq = asked;
	return 0;
}

static void arch_prctl(Session *s, const u64 call[7])
{
	enum : u64 {
		set_gs = 0x1001,
		set_fs,
		get_fs,
		get_gs,
		get_cpuid = 0x1011,
		set_cpuid,
		req_xcomp_perm = 0x1023,
		shstk_first = 0x5001,
		shstk_last = 0x5005
	};
	long ret;
	switch (call[1]) {
	case set_gs:
	case set_fs:
		gate_pause(s);
		ret = call_execute(call);
		if (!ret && call[1] == set_fs)
			s->guest.fs_base = read_fs_base();
		if (!ret && call[1] == set_gs)
			s->guest.gs_base = read_gs_base();
		call_replace(s, ret);
		return;
	case get_fs:
	case get_gs:
		gate_pause(s);
		ret = copy_to_app(call[2], call[1] == get_fs ? &s->guest.fs_base : &s->guest.gs_base, 8);
		call_replace(s, ret);
		return;
	case set_cpuid:
	case req_xcomp_perm:
	case shstk_first ... shstk_last:
		gate_pause(s);
		gate_leave(s, Reason::unsupported_call, __NR_arch_prctl);
	default:
		gate_reply(s, call_execute(call));
	}
}

/*
 * A filter would judge the gate's own calls: the thread goes native, for good, at the instruction. Whether the call would fail at all,
 * a child finds out that has the same memory and rights.
 */
static void seccomp(Session *s, const u64 call[7])
{
	long ret = call_try_in_child(s, call);
	if (ret < 0) {
		gate_reply(s, ret);
		return;
	}
	gate_pause(s);
	/* Strict mode kills the one thread: with ours alive the process would outlive it. */
	if (manager_active_sessions() == 1) {
		manager_suspend(s);
		reflector_release();
		store(control.state, ResidentState::dead);
	}
	gate_leave(s, Reason::seccomp, 0);
}

static void prctl(Session *s, const u64 call[7])
{
	enum : u64 { set_seccomp = 22, set_speculation = 53, set_syscall_user_dispatch = 59 };
	switch (call[1]) {
	case set_seccomp:
		return seccomp(s, call);
	case pr_set_tsc:
	case set_syscall_user_dispatch:
		gate_pause(s);
		gate_leave(s, Reason::unsupported_call, __NR_prctl);
	case set_speculation: {
		gate_pause(s);
		long ret = call_execute(call);
		if (!ret)
			gate_mirror(s, call[0], call[1], call[2], call[3]);
		call_replace(s, ret);
		return;
	}
	default:
		gate_reply(s, call_execute(call));
	}
}

static bool names_self(const Session *s, u64 pid)
{
	return static_cast<s32>(pid) == 0 || static_cast<s32>(pid) == s->info.tid;
}

static void mirrored(Session *s, const u64 call[7])
{
	long ret = call_execute(call);
	u64 target = call[0] == __NR_set_mempolicy ? 0
		     : call[0] == __NR_setpriority ? (call[1] == 0 ? call[2] : ~0ull)
						   : call[1];
	if (ret || !names_self(s, target)) {
		gate_reply(s, ret);
		return;
	}
	gate_pause(s);
	if (call[0] == __NR_setpriority || call[0] == __NR_set_mempolicy)
		gate_mirror(s, call[0], call[1], call[0] == __NR_setpriority ? 0 : call[2], call[3]);
	else
		gate_mirror(s, call[0], 0, call[2], call[3]);
	call_replace(s, ret);
}

static Session *affinity_session(Session *s, u64 pid)
{
	return names_self(s, pid) ? s : session_of(static_cast<s32>(pid));
}

static long set_affinity(Session *s, const u64 call[7])
{
	long ret = call_execute(call);
	Session *of = affinity_session(s, call[1]);
	if (ret || !of || !of->pinned)
		return ret;
	/* What the kernel made of it (cpusets) is the answer from now on; the task itself stays where it was. */
	long n = sys(__NR_sched_getaffinity, call[1], sizeof(of->affinity), addr(of->affinity));
	if (n > 0)
		of->affinity_size = static_cast<u64>(n);
	u64 core[16] = {};
	core[of->info.service_core / 64] = 1ull << (of->info.service_core % 64);
	sys(__NR_sched_setaffinity, call[1], sizeof(core), addr(core));
	return ret;
}

static long get_affinity(Session *s, const u64 call[7])
{
	Session *of = affinity_session(s, call[1]);
	if (!of || !of->pinned)
		return call_execute(call);
	/* Length and rights are the kernel's to judge; the task's own mask must not reach the buffer, not even the part before a fault. */
	u64 own[sizeof(of->affinity) / 8];
	/* In 32 bits, as the kernel counts (kernel/sched/syscalls.c): eight times the length may wrap. */
	u32 asked = static_cast<u32>(call[2]), counted = asked * 8 / 8;
	u32 room = counted <= sizeof(own) ? counted : sizeof(own) - (asked % 8 ? 1 : 0);
	long ret = sys(__NR_sched_getaffinity, call[1], room, addr(own));
	if (ret <= 0)
		return ret;
	return copy_to_app(call[3], of->affinity, static_cast<u64>(ret)) ? -EFAULT : ret;
}

static long getcpu(Session *s, const u64 call[7])
{
	long ret = call_execute(call);
	u32 cpu = s->info.core, node = s->core_aux >> 12;
	if (!ret && call[1] && copy_to_app(call[1], &cpu, sizeof(cpu)))
		ret = -EFAULT;
	if (!ret && call[2] && copy_to_app(call[2], &node, sizeof(node)))
		ret = -EFAULT;
	return ret;
}

/*
 * Straight from the gate: the new program takes nothing of this task's registers, only its mask and CPUs, which must be the
 * application's. A thread on its way by itself could not be captured again after a failure without the danger that the reserved
 * signal meets the new program.
 */
static void exec(Session *s, const u64 call[7])
{
	if (signals_pending(s)) {
		gate_pause(s);
		signals_deliver(s);
		return;
	}
	gate_unpin(s);
	if (!manager_exec_gains_rights(call))
		manager_announce(FollowNews::executes);
	sigprocmask(sig_setmask, s->mask | (s->mask_has_reserved ? reserved_signals() : 0));
	long ret = call_execute(call);
	sigprocmask(sig_block, ~0ull);
	gate_pin(s);
	call_finish(s, ret);
}

static void exit(Session *s, const u64 call[7])
{
	store(control.exit_status, static_cast<u32>(call[1]));
	gate_pause(s);
	gate_unpin(s);
	gate_quit_vcpu(s); /* first: with it alive, this thread's exit would not be the process's */
	s->info.reason = Reason::exited;
	store(s->info.state, SessionState::recoupled);
	manager_poke();
	gate_return(s, Return::stay);
}

/* Joining a user namespace, or leaving what threads share, takes a process with one thread: ours step aside meanwhile. */
static void namespaces(Session *s, const u64 call[7])
{
	constexpr u64 single = 0x10000000 /* NEWUSER */ | 0x00010000 /* THREAD */ | 0x800 /* SIGHAND */ | 0x100 /* VM */;
	bool alone = manager_active_sessions() == 1;
	bool needed = call[0] == __NR_unshare ? (call[1] & single) != 0 : call[2] == 0 || (call[2] & single);
	if (!alone || !needed) {
		gate_reply(s, call_execute(call));
		return;
	}
	gate_pause(s);
	manager_suspend(s);
	long ret = -EINVAL;
	/* KVM's own worker thread goes a moment after the VM; a second is plenty. */
	for (int tries = 0; ret == -EINVAL && tries < 1000; tries++) {
		bool others = manager_other_threads();
		ret = call_execute(call);
		if (!others)
			break; /* it means what it says */
		TimeSpec ms = {0, 1000000};
		sys(__NR_nanosleep, addr(&ms), 0);
	}
	gate_complete(s, ret);
	long e = manager_resume(s);
	if (e < 0)
		gate_leave(s, Reason::kvm_lost, e);
	gate_load(s);
}

void call_serve_special(Session *s, CallClass c, const u64 call[7])
{
	bool unblocked = false;
	long ret;
	switch (c) {
	case CallClass::sigreturn:
		gate_hold(s);
		signals_return(s);
	case CallClass::sigmask:
		ret = sigmask(s, call, &unblocked);
		return unblocked ? call_finish(s, ret) : gate_reply(s, ret);
	case CallClass::sigaction:
		return gate_reply(s, sigaction(s, call));
	case CallClass::sigpending:
		ret = call_execute(call);
		if (!ret && call[2] == 8)
			*reinterpret_cast<u64 *>(call[1]) &= s->mask;
		return gate_reply(s, ret);
	case CallClass::altstack:
		return gate_reply(s, altstack(s, call));
	case CallClass::rseq:
		return gate_reply(s, rseq(s, call));
	case CallClass::arch_prctl:
		return arch_prctl(s, call);
	case CallClass::prctl:
		return prctl(s, call);
	case CallClass::mirrored:
		return mirrored(s, call);
	case CallClass::set_affinity:
		return gate_reply(s, set_affinity(s, call));
	case CallClass::get_affinity:
		return gate_reply(s, get_affinity(s, call));
	case CallClass::getcpu:
		return gate_reply(s, getcpu(s, call));
	case CallClass::spawn:
		return call_spawn(s, call);
	case CallClass::exec:
		return exec(s, call);
	case CallClass::exit:
		return exit(s, call);
	case CallClass::exit_group:
		call_execute(call);
		return;
	case CallClass::namespaces:
		return namespaces(s, call);
	case CallClass::seccomp:
		if (call[1] > 1) /* queries */
			return gate_reply(s, call_execute(call));
		return seccomp(s, call);
	default:
		gate_pause(s);
		gate_leave(s, Reason::unsupported_call, static_cast<s64>(call[0]));
	}
}

} // namespace decouple
