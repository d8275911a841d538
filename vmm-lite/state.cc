/* SPDX-License-Identifier: GPL-2.0-only */
/* Conversions of the register state; see state.h. */
#include "state.h"
#include "decouple/layout.h"

namespace decouple
{

bool vector_has_error_code(u32 vector)
{
	/* SDM 3A table 6-1, APM 2 table 8-1. */
	return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30;
}

/*
 * Vectors reported behind the instruction although it has not completed for the application: int3 (one byte; the caller looks whether it
 * was INT 3, of two), INT 4, INT 0x80.
 */
static u64 instruction_length_of(u32 vector)
{
	return vector == 3 ? 1 : vector == 4 || vector == 0x80 ? 2 : 0;
}

/* Takes RIP, RFLAGS, RSP from an interrupt frame on the ring-0 stack; false: the frame is not within the page. */
static bool take_frame(GuestState &g, const StubView &v, u64 rsp, bool error_code)
{
	u64 offset = rsp - v.stack_va;
	if (offset % 8 || offset > page_size - (error_code ? 48 : 40))
		return false;
	const u64 *frame = reinterpret_cast<const u64 *>(v.stack + offset);
	g.error_code = error_code ? *frame++ : 0;
	g.trap_rip = g.regs.rip = frame[0];
	g.regs.rflags = frame[2];
	g.regs.rsp = frame[3];
	return true;
}

static Position normalise_entry(GuestState &g, const StubView &v)
{
	struct kvm_regs &r = g.regs;
	bool served = r.rip >= v.published && v.slot->rep_seq == v.slot->req_seq;
	if (served && v.slot->reply == DECOUPLE_REPLY_LOAD)
		return Position::loading;
	if (r.rip >= v.rsp_saved)
		r.rsp = v.slot->saved_rsp;
	if (served) {
		r.rax = v.slot->ret;
		r.rip = r.rcx;
		r.rflags = r.r11;
		return Position::user;
	}
	if (r.rip >= v.rax_gone)
		r.rax = v.slot->saved_rax;
	r.rip = r.rcx - 2;
	r.rflags = r.r11;
	return Position::call_pending;
}

/* Out of the handler of DECOUPLE_VECTOR_WAKE, which saves RAX in front of its frame, at the top of the stack. */
static bool leave_wake(GuestState &g, const StubView &v)
{
	constexpr u64 top = page_size - 40;
	struct kvm_regs &r = g.regs;
	u64 saved = v.stack_va + top - r.rsp;
	if (saved != 0 && saved != 8)
		return false;
	const u64 *frame = reinterpret_cast<const u64 *>(v.stack + top);
	if (saved)
		r.rax = frame[-1];
	return take_frame(g, v, v.stack_va + top, false);
}

Position normalise(GuestState &g, const StubView &v)
{
	struct kvm_regs &r = g.regs;
	bool trapped = false;
	g.vector = no_vector;
	if (r.rip >= v.wake && r.rip < v.traps_end && !leave_wake(g, v))
		return Position::lost;
	if (r.rip >= v.traps && r.rip < v.iret) {
		u32 vector = static_cast<u32>((r.rip - v.traps) / DECOUPLE_TRAP_STRIDE);
		if (!take_frame(g, v, r.rsp, vector_has_error_code(vector)))
			return Position::lost;
		g.vector = vector;
		r.rip -= instruction_length_of(vector);
		trapped = true;
	} else if (r.rip == v.iret) {
		if (!take_frame(g, v, r.rsp, false))
			return Position::lost;
	}
	/* Page-granular: a pause may also find the vCPU between the entry's last instruction and user code. */
	if (r.rip >= v.entry && r.rip < v.entry_end)
		return normalise_entry(g, v);
	if (trapped)
		return Position::trap;
	return r.rip >> 63 ? Position::lost : Position::user;
}

struct kvm_regs regs_from_context(const SigContext &m)
{
	struct kvm_regs r = {};
	r.rax = m.rax, r.rbx = m.rbx, r.rcx = m.rcx, r.rdx = m.rdx, r.rsi = m.rsi, r.rdi = m.rdi, r.rsp = m.rsp, r.rbp = m.rbp;
	r.r8 = m.r8, r.r9 = m.r9, r.r10 = m.r10, r.r11 = m.r11, r.r12 = m.r12, r.r13 = m.r13, r.r14 = m.r14, r.r15 = m.r15;
	r.rip = m.rip;
	r.rflags = m.rflags | 2;
	return r;
}

void regs_to_context(SigContext &m, const struct kvm_regs &r)
{
	m.rax = r.rax, m.rbx = r.rbx, m.rcx = r.rcx, m.rdx = r.rdx, m.rsi = r.rsi, m.rdi = r.rdi, m.rsp = r.rsp, m.rbp = r.rbp;
	m.r8 = r.r8, m.r9 = r.r9, m.r10 = r.r10, m.r11 = r.r11, m.r12 = r.r12, m.r13 = r.r13, m.r14 = r.r14, m.r15 = r.r15;
	m.rip = r.rip;
	m.rflags = r.rflags;
}

constexpr u32 legacy_size = 512; /* its last 48 bytes are the frame's software bytes */
constexpr u32 header_size = 64; /* behind it; XSTATE_BV first (SDM 1 13.4.2) */
constexpr u32 first_extended = 2;

/* The extended components that the vCPU has. Both images are in the standard format, so each is at the same place in both. */
static void copy_extended(u8 *to, const u8 *from, u32 end, const XsaveLayout &l)
{
	for (u32 i = first_extended; i < 63; i++)
		if ((l.components >> i & 1) && l.size[i] && l.offset[i] + l.size[i] <= end)
			memcpy(to + l.offset[i], from + l.offset[i], l.size[i]);
}

static u64 *xstate_bv(u8 *image)
{
	return reinterpret_cast<u64 *>(image + legacy_size);
}

/* Bytes that both images have; the frame's second magic stays out. */
static u32 common_size(u32 frame_size, u32 size)
{
	u32 end = frame_size > 4 ? frame_size - 4 : 0;
	return size < end ? size : end;
}

void xsave_to_frame(u8 *frame, u32 frame_size, const u8 *xsave, u32 size, const XsaveLayout &l)
{
	u32 end = common_size(frame_size, size);
	memcpy(frame, xsave, fp_sw_offset);
	if (end < legacy_size + header_size)
		return;
	u64 theirs = *reinterpret_cast<const u64 *>(xsave + legacy_size);
	*xstate_bv(frame) = (theirs & l.components) | (*xstate_bv(frame) & ~l.components);
	copy_extended(frame, xsave, end, l);
}

void xsave_from_frame(u8 *xsave, u32 size, const u8 *frame, u32 frame_size, const XsaveLayout &l)
{
	u32 end = common_size(frame_size, size);
	memcpy(xsave, frame, fp_sw_offset);
	memset(xsave + fp_sw_offset, 0, legacy_size + header_size - fp_sw_offset);
	if (end < legacy_size + header_size)
		return;
	*xstate_bv(xsave) = *reinterpret_cast<const u64 *>(frame + legacy_size) & l.components;
	copy_extended(xsave, frame, end, l);
}

bool eintr_by_design(s64 nr)
{
	switch (nr) {
	case __NR_epoll_wait:
	case __NR_epoll_pwait:
	case __NR_epoll_pwait2:
	case __NR_rt_sigtimedwait:
	case __NR_semop:
	case __NR_semtimedop:
	case __NR_io_getevents:
	case __NR_io_pgetevents:
	/* Sockets with SO_RCVTIMEO or SO_SNDTIMEO. */
	case __NR_read:
	case __NR_readv:
	case __NR_recvfrom:
	case __NR_recvmsg:
	case __NR_recvmmsg:
	case __NR_accept:
	case __NR_accept4:
	case __NR_write:
	case __NR_writev:
	case __NR_sendto:
	case __NR_sendmsg:
	case __NR_sendmmsg:
		return true;
	default:
		return false;
	}
}

Restart restart_of(s64 nr, s64 rax)
{
	if (nr < 0)
		return Restart::no;
	switch (rax) {
	case -512: /* ERESTARTSYS (include/linux/errno.h) */
	case -513: /* ERESTARTNOINTR */
	case -514: /* ERESTARTNOHAND */
		return Restart::again;
	case -516: /* ERESTART_RESTARTBLOCK */
		return Restart::restart_block;
	case -EINTR:
		return eintr_by_design(nr) ? Restart::again : Restart::no;
	default:
		return Restart::no;
	}
}

} // namespace decouple
