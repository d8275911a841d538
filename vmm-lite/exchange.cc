/* SPDX-License-Identifier: GPL-2.0-only */
/* State transfer through the stub; see exchange.h. */
#include "exchange.h"
#include "cpu_features.h"
#include "gate.h"
#include "panic.h"
#include "vm.h"
#include "decouple/exchange.h"
#include "decouple/layout.h"

namespace decouple
{

constexpr u64 syscall_length = 2;

static u8 *image(const Session *s)
{
	return s->block + DECOUPLE_VCPU_OFF_EXCHANGE + DECOUPLE_EXCHANGE_XSAVE;
}

static struct decouple_exchange_regs *registers(const Session *s)
{
	return reinterpret_cast<struct decouple_exchange_regs *>(s->block + DECOUPLE_VCPU_OFF_EXCHANGE +
								 DECOUPLE_EXCHANGE_REGS);
}

/*
 * With the module only: its captures need no help of the vCPU thread, which stays in the guest meanwhile. Not on PVM, where the pages would
 * be the application's to write.
 */
static bool usable()
{
	constexpr u64 cr4_fsgsbase = 0x10000;
	return by_module() && !vm.pvm && (vm.cr4 & cr4_fsgsbase) && has_xsave() &&
	       vm.xsave_size <= DECOUPLE_EXCHANGE_XSAVE_SIZE;
}

bool exchange_map(Session *s)
{
	s->exchanges = usable();
	u64 gpa = DECOUPLE_GPA_STUB + static_cast<u64>(s->block - vm.stub);
	constexpr u64 first = DECOUPLE_VCPU_OFF_EXCHANGE;
	bool ok = true;
	for (u64 page = first; s->exchanges && page < first + 2 * page_size; page += page_size)
		ok = ok && vm.tables.map_page(s->block_va + page, gpa + page, pte::write);
	return ok;
}

/* All but RAX, RSP, RIP and RFLAGS. */
static void take(Session *s)
{
	const struct decouple_exchange_regs *e = registers(s);
	struct kvm_regs &r = s->guest.regs;
	r.rbx = e->rbx, r.rcx = e->rcx, r.rdx = e->rdx, r.rsi = e->rsi, r.rdi = e->rdi, r.rbp = e->rbp;
	r.r8 = e->r8, r.r9 = e->r9, r.r10 = e->r10, r.r11 = e->r11;
	r.r12 = e->r12, r.r13 = e->r13, r.r14 = e->r14, r.r15 = e->r15;
	s->guest.fs_base = e->fs_base;
	s->guest.gs_base = e->gs_base;
	memcpy(s->xsave, image(s), vm.xsave_size);
}

bool exchange_hold(Session *s)
{
	if (!s->exchanges)
		return false;
	u32 call = load(s->slot->req_seq);
	gate_answer(s, DECOUPLE_REPLY_SAVE);
	while (load(s->slot->req_seq) == call) {
		if (load(s->status) != static_cast<u32>(VcpuStatus::running))
			RESIDENT_PANIC(s->guest.regs.rip);
		pause();
	}
	take(s);
	struct kvm_regs &r = s->guest.regs;
	r.rax = s->slot->saved_rax;
	r.rsp = s->slot->saved_rsp;
	r.rip = r.rcx - syscall_length;
	r.rflags = r.r11;
	s->held = 1;
	return true;
}

void exchange_load(Session *s)
{
	struct kvm_regs r = regs_from_context(s->context.mc);
	*registers(s) = {
		.rip = r.rip,
		.cs = DECOUPLE_SEL_UCODE,
		.rflags = r.rflags,
		.rsp = r.rsp,
		.ss = DECOUPLE_SEL_UDATA,
		.rax = r.rax,
		.rbx = r.rbx,
		.rcx = r.rcx,
		.rdx = r.rdx,
		.rsi = r.rsi,
		.rdi = r.rdi,
		.rbp = r.rbp,
		.r8 = r.r8,
		.r9 = r.r9,
		.r10 = r.r10,
		.r11 = r.r11,
		.r12 = r.r12,
		.r13 = r.r13,
		.r14 = r.r14,
		.r15 = r.r15,
		.fs_base = s->guest.fs_base,
		.gs_base = s->guest.gs_base,
	};
	xsave_from_frame(image(s), DECOUPLE_EXCHANGE_XSAVE_SIZE, s->fp, s->fp_size, vm.xsave);
	s->held = 0;
	gate_answer(s, DECOUPLE_REPLY_LOAD);
}

bool exchange_take_back(Session *s)
{
	if (!s->exchanges)
		return false;
	take(s);
	const struct decouple_exchange_regs *e = registers(s);
	struct kvm_regs &r = s->guest.regs;
	r.rax = e->rax, r.rsp = e->rsp, r.rip = e->rip, r.rflags = e->rflags;
	return true;
}

} // namespace decouple
