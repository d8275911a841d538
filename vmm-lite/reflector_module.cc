/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The module's reflector: captures, doorbells and interruptions are gate calls (decouple/gate.h). A captured thread comes with its
 * registers in the frame and its vector registers live; nothing was written to its stack, and no signal or action was touched. All
 * signals are blocked while it is in the gate.
 */
#include "reflector_module.h"
#include "call_class.h"
#include "cputime.h"
#include "fault.h"
#include "gate.h"
#include "panic.h"
#include "vm.h"
#include "decouple/gate.h"
#include "decouple/layout.h"

namespace decouple::module_reflector
{

constexpr u64 ms_sync = 4;
static u32 captures_self; /* capture_self() was called; read by module_init_leave */
static u32 added; /* add() was called */

static long gate_call(u64 nr, u64 frame, u64 arg = 0)
{
	return sys(__NR_msync, control.config.gate, DECOUPLE_GATE_PAGE, ms_sync, nr, frame, arg);
}

static decouple_frame *frame_of(const Session *s)
{
	return reinterpret_cast<decouple_frame *>(control.config.gate + DECOUPLE_GATE_PAGE * (1ull + s->info.index));
}

bool left(Session *s)
{
	constexpr u32 tries = 2000;
	TimeSpec moment = {0, 500000};
	for (u32 i = 0; i < tries; i++) {
		if (gate_call(DECOUPLE_GATE_WAKE, s->info.index) == -EINVAL)
			return true;
		sys(__NR_nanosleep, addr(&moment), 0);
	}
	return false;
}

long add(Session *s)
{
	/*
	 * The thread may be about to leave a session that it has in this frame: the one in which it started the resident, or its last one. That
	 * would be taken for this one. Only a held thread's first is.
	 */
	if ((added || !control.config.hold) && !left(s))
		return -EBUSY;
	added = 1;
	decouple_frame *f = frame_of(s);
	f->entry = addr(&module_entry);
	f->entry_rsp = s->gate_stack;
	f->entry_rdi = addr(s);
	f->call_begin = addr(call_begin);
	f->call_end = addr(call_end);
	f->call_skip = addr(call_skip);
	f->in_call = f->interrupted = 0;
	/* A session that has ended stays until its thread has been seen once more. */
	constexpr u32 tries = 200;
	TimeSpec moment = {0, 500000};
	long r = gate_call(DECOUPLE_GATE_ADD, s->info.index, static_cast<u64>(s->info.tid));
	for (u32 i = 0; r == -EBUSY && i < tries; i++) {
		sys(__NR_nanosleep, addr(&moment), 0);
		r = gate_call(DECOUPLE_GATE_ADD, s->info.index, static_cast<u64>(s->info.tid));
	}
	return r;
}

void remove(Session *s)
{
	gate_call(DECOUPLE_GATE_REMOVE, s->info.index);
}

static long ioeventfd(const Session *s, u32 flags)
{
	struct kvm_ioeventfd e = {};
	e.addr = s->doorbell_gpa + DECOUPLE_DOORBELL_HOME;
	e.len = sizeof(u32);
	e.fd = s->doorbell_fd;
	e.flags = flags;
	return sys(__NR_ioctl, static_cast<u64>(vm.fd), KVM_IOEVENTFD, addr(&e));
}

long vcpu(Session *s)
{
	constexpr u64 efd_cloexec_nonblock = 02004000;
	long r = gate_call(DECOUPLE_GATE_VCPU, s->info.index);
	if (r < 0)
		return r;
	if ((r = sys(__NR_eventfd2, 0, efd_cloexec_nonblock)) < 0)
		return r;
	s->doorbell_fd = static_cast<s32>(r);
	if ((r = gate_call(DECOUPLE_GATE_DOORBELL, s->info.index, static_cast<u64>(s->doorbell_fd))) < 0)
		return r;
	return ioeventfd(s, 0);
}

long core(Session *s)
{
	return gate_call(DECOUPLE_GATE_CORE, s->info.index, s->info.core);
}

void vcpu_end(Session *s)
{
	if (s->doorbell_fd <= 0)
		return;
	ioeventfd(s, KVM_IOEVENTFD_FLAG_DEASSIGN);
	sys(__NR_close, static_cast<u64>(s->doorbell_fd));
	s->doorbell_fd = 0;
}

void capture(Session *s)
{
	store(s->recapture_claim, 0u);
	gate_call(DECOUPLE_GATE_CAPTURE, s->info.index);
}

void capture_self()
{
	captures_self = 1;
}

bool kick(Session *s)
{
	gate_call(DECOUPLE_GATE_KICK, s->info.index);
	return true;
}

bool unfetched(Session *s)
{
	decouple_frame *f = frame_of(s);
	return load(f->unfetched) && exchange(f->unfetched, 0u);
}

static u64 in_ns(const TimeSpec *t)
{
	return t ? static_cast<u64>(t->sec) * 1000000000 + static_cast<u64>(t->nsec) : 0;
}

Reason manager_wait(const TimeSpec *longest)
{
	switch (gate_call(DECOUPLE_GATE_MANAGE, 0, in_ns(longest))) {
	case DECOUPLE_WAKE_RECOUPLE:
		return Reason::asked;
	case DECOUPLE_WAKE_DEBUGGER:
		return Reason::debugger;
	case DECOUPLE_WAKE_TRACED: /* by our own controller, for --follow */
		return control.config.follow_socket[0] ? Reason::none : Reason::debugger;
	default:
		return Reason::none;
	}
}

void manager_wake()
{
	gate_call(DECOUPLE_GATE_POKE, 0);
}

Wake sleep(Session *s, u64 mask)
{
	frame_of(s)->mask_wait = mask;
	long r = gate_call(DECOUPLE_GATE_WAIT, s->info.index);
	store(s->slot->home_asleep, 0u);
	return r == DECOUPLE_WAKE_SIGNAL ? Wake::signal : Wake::doorbell;
}

void wake_home(Session *s)
{
	if (s->slot && exchange(s->slot->home_asleep, 0u))
		gate_call(DECOUPLE_GATE_WAKE, s->info.index);
}

bool interrupt_call(Session *s)
{
	gate_call(DECOUPLE_GATE_INTERRUPT, s->info.index);
	return true;
}

bool signal_possible(Session *s)
{
	decouple_frame *f = frame_of(s);
	return load(f->noticed) && exchange(f->noticed, 0u);
}

/* Announces an interruptible call. True: a signal that `mask` lets through waits already. */
static bool begin(decouple_frame *f, u64 mask)
{
	f->interrupted = f->restart = 0;
	f->mask_wait = mask;
	store(f->in_call, 1u);
	full_barrier(); /* pairs with the module's: kmod-decouple/probes.c: notice */
	return (sigpending() & ~mask & ~unblockable) != 0;
}

/* The call is over; if somebody is interrupting it, that comes first. */
static void end(decouple_frame *f)
{
	if (exchange(f->in_call, 0u))
		return;
	while (!load(f->interrupted))
		pause();
}

bool call(Session *s, const u64 call[7], u64 mask, long *result, CallEnd *how)
{
	decouple_frame *f = frame_of(s);
	constexpr long not_done = -4095;
	long r = begin(f, mask) ? not_done : interruptible_call(call, &f->interrupted);
	end(f);
	*result = r;
	if (r != not_done)
		*how = CallEnd::eintr;
	else if (f->restart == DECOUPLE_RESTART_NOT_BEGUN)
		*how = CallEnd::not_begun;
	else if (f->restart == DECOUPLE_RESTART_BLOCK)
		*how = CallEnd::restart_block;
	else
		*how = call_restarts(call[0]) ? CallEnd::again : CallEnd::again_unhandled;
	return r != not_done && !(f->interrupted && r == -EINTR);
}

void wake_vcpu(const Session *s)
{
	gate_call(DECOUPLE_GATE_WAKE_VCPU, s->info.index);
}

long events(const Session *s, const decouple_event_set_up *set_up)
{
	return gate_call(DECOUPLE_GATE_EVENTS, s->info.index, addr(set_up));
}

bool event(Session *s, const decouple_event_wait *wait, u64 mask, long *result, CallEnd *how)
{
	const u64 gate[7] = {
		__NR_msync, control.config.gate, DECOUPLE_GATE_PAGE, ms_sync, DECOUPLE_GATE_EVENT, s->info.index, addr(wait),
	};
	return call(s, gate, mask, result, how);
}

bool call_masked(Session *s, const u64 call[7], u64 mask, bool signal, long *result)
{
	decouple_frame *f = frame_of(s);
	constexpr long not_done = -4095;
	/* If one waits, the call must still look first whether it is over. */
	signal = begin(f, mask) || signal;
	if (signal)
		gate_call(DECOUPLE_GATE_INTERRUPT_FIRST, s->info.index);
	*result = interruptible_call(call, &f->interrupted);
	end(f);
	bool interrupted = *result == not_done || ((f->interrupted || signal) && *result == -EINTR);
	if (interrupted)
		*result = -EINTR;
	return !interrupted;
}

/* The kernel would have aborted a restartable sequence that the capture interrupts (kernel/rseq.c: rseq_ip_fixup). */
static void abort_sequence(Session *s, const decouple_frame *f)
{
	struct {
		u32 version, flags;
		u64 start, length, abort;
	} cs;
	u64 none = 0;
	constexpr u64 rseq_cs_offset = 8;
	if (!f->rseq_cs)
		return;
	if (!copy_from_app(&cs, f->rseq_cs, sizeof(cs)) && s->context.mc.rip - cs.start < cs.length)
		s->context.mc.rip = cs.abort;
	copy_to_app(f->rseq + rseq_cs_offset, &none, sizeof(none));
}

void first_capture(Session *s)
{
	const decouple_frame *f = frame_of(s);
	s->info.handover = {f->rseq, f->rseq_len, f->rseq_sig, 0, 0};
	abort_sequence(s, f);
}

[[noreturn]] void leave(Session *s, Return how)
{
	decouple_frame *f = frame_of(s);
	const SigContext &c = s->context.mc;
	bool left = load(s->info.state) == SessionState::recoupled;
	u64 flags = left                     ? DECOUPLE_RETURN_LEAVE
		    : how == Return::capture ? DECOUPLE_RETURN_CAPTURE
		    : how == Return::stay    ? DECOUPLE_RETURN_STAY
		    : fault_may_step(s)      ? DECOUPLE_RETURN_STEP
					     : DECOUPLE_RETURN_SLIP;
	f->regs = {c.r8,  c.r9,  c.r10, c.r11, c.r12, c.r13, c.r14, c.r15, c.rdi,
		   c.rsi, c.rbp, c.rbx, c.rdx, c.rax, c.rcx, c.rsp, c.rip, c.rflags};
	f->mask = s->mask;
	if (s->temporary_mask.armed) {
		s->temporary_mask.armed = 0;
		f->mask_saved = s->temporary_mask.original;
		flags |= DECOUPLE_RETURN_TEMPORARY;
	}
	write_fs_base(s->guest.fs_base);
	write_gs_base(s->guest.gs_base);
	cputime_leave_gate(s);
	store(s->mode, static_cast<u32>(left ? Mode::left : Mode::native));
	module_leave(s->fp, control.config.gate, s->info.index, flags);
}

/* What a signal frame would say of the vector registers. */
static void describe_image(Session *s)
{
	constexpr u32 magic1 = 0x46505853, magic2 = 0x46505845, xstate_leaf = 0xd;
	u32 lo, hi, eax = xstate_leaf, ebx, ecx = 0, edx;
	asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	if (!s->fp_size) {
		asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
		s->fp_size = ebx + sizeof(magic2);
	}
	if (s->fp_size > fp_buffer_size)
		RESIDENT_PANIC(s->fp_size);
	u32 size = s->fp_size - static_cast<u32>(sizeof(magic2));
	FpSoftware sw = {magic1, s->fp_size, lo | static_cast<u64>(hi) << 32, size, {}};
	memcpy(s->fp + fp_sw_offset, &sw, sizeof(sw));
	memcpy(s->fp + size, &magic2, sizeof(magic2));
}

} // namespace decouple::module_reflector

/* From module_entry: session->fp has the vector registers. On the gate stack, all signals blocked. */
extern "C" __attribute__((visibility("hidden"))) void module_captured(decouple::Session *s)
{
	using namespace decouple;
	using namespace decouple::module_reflector;
	const decouple_frame *f = frame_of(s);
	const decouple_regs &r = f->regs;
	constexpr u64 frame_flags = 7; /* UC_FP_XSTATE, UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS */
	constexpr u16 user_cs = 0x33, user_ss = 0x2b;
	store(s->mode, static_cast<u32>(Mode::gate));
	describe_image(s);
	s->context.flags = frame_flags;
	s->context.mc = {r.r8,  r.r9,    r.r10, r.r11, r.r12, r.r13, r.r14, r.r15,    r.rdi,   r.rsi,
			 r.rbp, r.rbx,   r.rdx, r.rax, r.rcx, r.rsp, r.rip, r.rflags, user_cs, 0,
			 0,     user_ss, 0,     0,     0,     0,     s->fp, {}};
	s->mask = f->mask;
	if (const ChildRecord *record = s->born) { /* its own registers are the resident's */
		s->born = nullptr;
		s->context = record->context;
		s->mask = record->context.mask;
		s->fp_size = record->fp_size;
		memcpy(s->fp, record->fp, record->fp_size);
	}
	sys(__NR_sigaltstack, 0, addr(&s->context.stack));
	gate_captured(s);
}

/* From module_init_entry, behind resident_init(): how the thread leaves frame 0, which has its registers. */
extern "C" __attribute__((visibility("hidden"))) decouple::u64 module_init_leave()
{
	return decouple::module_reflector::captures_self ? DECOUPLE_RETURN_CAPTURE : DECOUPLE_RETURN_LEAVE;
}
