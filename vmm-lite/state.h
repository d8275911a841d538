/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The register state on its way between signal frame and vCPU. Pure logic: no system calls, tested on the host.
 */
#ifndef DECOUPLE_VMM_STATE_H
#define DECOUPLE_VMM_STATE_H

#include "sys.h"
#include "kvm_abi.h"
#include "decouple/slot.h"

namespace decouple
{

constexpr u32 fp_buffer_size = 12288; /* XSAVE image with AMX tiles is 11,008 bytes */

struct RseqArea {
	u64 address; /* 0: none registered */
	u32 length, signature;
};

struct GuestState {
	struct kvm_regs regs;
	u64 fs_base, gs_base;
	u32 cpl;
	/* Set by normalise() when the vCPU stood in a vector stub. */
	u32 vector;
	u64 trap_rip, error_code;
};

/* Addresses of the stub's labels in one vCPU block, and what of its memory normalise() reads. */
struct StubView {
	u64 entry, rsp_saved, rax_gone, published, entry_end; /* guest-virtual */
	u64 traps, iret, wake, traps_end; /* guest-virtual */
	const u8 *stack; /* the ring-0 stack page */
	u64 stack_va;
	const struct decouple_slot *slot;
};

enum class Position {
	user, /* between two instructions of the application */
	loading, /* about to take the state of the exchange: that is the application's; registers are not changed */
	call_pending, /* at a SYSCALL instruction that nobody has served */
	trap, /* at an instruction that trapped (vector, error_code) */
	lost, /* at no place where the vCPU can be paused: a bug or a hostile guest */
};

constexpr u32 no_vector = ~0u;
bool vector_has_error_code(u32 vector);

/*
 * Rewrites the state of a stopped vCPU to what it is for the application. A reply that the guest did not pick up yet is applied;
 * an unserved request is taken back (RIP at the SYSCALL instruction, RAX the number): the caller must then set rep_seq = req_seq.
 */
Position normalise(GuestState &g, const StubView &v);

/* Signal frame -> KVM registers. */
struct kvm_regs regs_from_context(const SigContext &mc);
/* KVM registers -> signal frame; what KVM does not hold (segments, trap fields) stays. */
void regs_to_context(SigContext &mc, const struct kvm_regs &r);

/* Where the extended components are in a standard-format XSAVE image (CPUID leaf 0xd), and which of them the vCPU has. */
struct XsaveLayout {
	u64 components; /* XCR0 of the vCPU */
	u32 offset[64], size[64];
};

/*
 * Puts a standard-format XSAVE image of `size` bytes into a frame's image, whose software bytes (and second magic) are kept. Components
 * that the vCPU does not have (MPX, PKRU on some KVMs) keep what the thread had.
 */
void xsave_to_frame(u8 *frame, u32 frame_size, const u8 *xsave, u32 size, const XsaveLayout &layout);
/* The reverse; software bytes zeroed as KVM_SET_XSAVE demands. */
void xsave_from_frame(u8 *xsave, u32 size, const u8 *frame, u32 frame_size, const XsaveLayout &layout);

/* What the kernel's answer to an interrupted system call means for where to go on. */
enum class Restart {
	no, /* the call is over, RAX is its result */
	again, /* -ERESTARTSYS, -ERESTARTNOINTR, -ERESTARTNOHAND: at the instruction with the same number */
	restart_block, /* -ERESTART_RESTARTBLOCK: at the instruction with restart_syscall(2)'s number */
};
/* For a thread seen in ptrace-stop, where RAX still holds the kernel-internal error. nr < 0: not in a system call. */
Restart restart_of(s64 nr, s64 rax);
/* Calls that answer an interruption with EINTR by design even without a handler (signal(7)); resumed from the start. */
bool eintr_by_design(s64 nr);

} // namespace decouple

#endif
