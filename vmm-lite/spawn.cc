/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * clone, fork, vfork, clone3. The parent's paused vCPU is written into a signal frame for the child; the child returns through it to the
 * application, natively, with the parent's registers, RAX 0 and its own stack.
 */
#include "calls.h"
#include "cputime.h"
#include "gate.h"
#include "manager.h"
#include "panic.h"
#include "reflector.h"

extern "C" {
long raw_clone(const decouple::u64 call[7], decouple::ChildRecord *record, decouple::u8 *stack_top)
	__attribute__((visibility("hidden")));
[[noreturn]] void child_start(decouple::ChildRecord *record) __attribute__((visibility("hidden")));
}

namespace decouple
{

enum CloneFlag : u64 {
	clone_vm = 0x100,
	clone_sighand = 0x800,
	clone_vfork = 0x4000,
	clone_thread = 0x10000,
	clone_settls = 0x80000
};

struct CloneArgs { /* struct clone_args, first version */
	u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
};

/* Flags, stack and TLS of the child; false: the kernel will refuse the arguments anyway. */
static bool read_arguments(const u64 call[7], CloneArgs *a)
{
	*a = {};
	switch (call[0]) {
	case __NR_clone:
		a->flags = call[1];
		a->stack = call[2];
		a->tls = call[5];
		return true;
	case __NR_clone3:
		if (call[2] < sizeof(*a) || copy_from_app(a, call[1], sizeof(*a)))
			return false;
		a->stack += a->stack_size;
		return true;
	case __NR_vfork:
		a->flags = clone_vm | clone_vfork;
		return true;
	default:
		return true;
	}
}

bool children_left(const Session *s)
{
	bool left = true;
	for (const ChildRecord &r : s->records)
		left = left && !load(r.busy);
	return left;
}

/* A record whose child has left. All in use: as many children have not run yet; they will. */
static ChildRecord *take_record(Session *s)
{
	for (u64 spins = 0;; spins++) {
		for (u32 i = 0; i < child_records; i++) {
			ChildRecord *r = &s->records[s->next_record++ % child_records];
			if (!exchange(r->busy, 1u))
				return r;
		}
		sys(__NR_sched_yield);
	}
}

void call_spawn(Session *s, const u64 call[7])
{
	CloneArgs a;
	gate_pause(s);
	if (!read_arguments(call, &a)) {
		call_replace(s, call_execute(call));
		return;
	}
	count(s->info.clones);
	ChildRecord *r = take_record(s);
	gate_fill(s, &r->context, r->fp);
	r->context.mc.rip += 2;
	r->context.mc.rax = 0;
	r->context.mc.rcx = r->context.mc.rip;
	r->context.mc.r11 = r->context.mc.rflags;
	if (a.stack)
		r->context.mc.rsp = a.stack;
	if (s->mask_has_reserved)
		r->context.mask |= reserved_signals();
	if ((a.flags & clone_vm) && !(a.flags & clone_vfork)) {
		/* A thread starts without an alternate stack (kernel/fork.c: copy_process). */
		r->context.stack = {0, ss_disable, 0, 0};
	}
	r->session = s;
	r->fp_size = s->fp_size;
	r->new_mm = !(a.flags & clone_vm);
	r->own_actions = !(a.flags & clone_sighand);
	r->on_child_stack = (a.flags & clone_vm) && !(a.flags & clone_vfork);
	r->other_process = (a.flags & clone_vm) && !(a.flags & clone_thread);
	write_fs_base(s->guest.fs_base);
	write_gs_base(s->guest.gs_base);
	long ret = raw_clone(call, r, r->stack + sizeof(r->stack));
	/* With memory of its own, or gone before vfork returned, the child does not need this copy any more. Else it says so itself. */
	if (ret < 0 || !r->on_child_stack)
		store(r->busy, 0u);
	if (ret > 0 && (a.flags & clone_thread) && control.config.follow) {
		u64 fs = a.flags & clone_settls ? a.tls : s->guest.fs_base;
		manager_adopt(static_cast<s32>(ret), fs, s);
	}
	call_replace(s, ret);
}

long call_try_in_child(Session *s, const u64 call[7])
{
	ChildRecord *r = take_record(s);
	r->session = s;
	r->trial = call;
	r->trial_result = -EAGAIN;
	constexpr u64 no_exit_signal = 0, any_child = 0x40000000 /* __WALL */;
	u64 clone[7] = {__NR_clone, clone_vm | clone_vfork | no_exit_signal, 0, 0, 0, 0, 0};
	long child = raw_clone(clone, r, r->stack + sizeof(r->stack));
	long ret = child < 0 ? child : r->trial_result;
	if (child > 0)
		sys(__NR_wait4, static_cast<u64>(child), 0, any_child, 0);
	r->trial = nullptr;
	store(r->busy, 0u);
	return ret;
}

} // namespace decouple

/* First code of a child, on the record's stack, with everything blocked. */
extern "C" [[noreturn]] void child_start(decouple::ChildRecord *r)
{
	using namespace decouple;
	Session *s = r->session;
	if (r->trial) {
		r->trial_result = call_execute(r->trial);
		for (;;)
			sys(__NR_exit, 0);
	}
	/* A rare failure (the cpuset changed) leaves the child on its parent's service core: correct, if slower. */
	if (s->affinity_size)
		sys(__NR_sched_setaffinity, 0, s->affinity_size, addr(s->affinity));
	UContext *context = &r->context;
	if (r->own_actions)
		reflector_release();
	if (r->new_mm) {
		/* The resident's memory came along, its threads did not. */
		control.state = ResidentState::dead;
		u64 gate = control.config.gate;
		control.config.gate = 0; /* it stayed behind */
		if (s->rseq.address)
			sys(__NR_rseq, s->rseq.address, s->rseq.length, 0, s->rseq.signature);
		if (control.config.follow)
			manager_start_in_child(r, gate);
	}
	if (r->other_process)
		manager_announce(FollowNews::child);
	if (r->on_child_stack) {
		/* The frame moves to the child's own stack, so that the record is free before the child is on its way. */
		u64 fp = (context->mc.rsp - 128 - r->fp_size) & ~63ull;
		auto *frame = reinterpret_cast<UContext *>((fp - sizeof(UContext)) & ~15ull);
		memcpy(reinterpret_cast<void *>(fp), r->fp, r->fp_size);
		*frame = r->context;
		frame->mc.fpstate = reinterpret_cast<u8 *>(fp);
		return_and_release(frame, &r->busy, control.config.vdso_release);
	}
	return_by_frame(context);
}
