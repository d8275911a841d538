/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The slot: the page over which one decoupled thread and its home thread exchange system calls. C, C++ and assembler.
 *
 * Each cache line has one writer. There is no state word that both sides write; the state follows from two sequence numbers:
 *
 *   req_seq == rep_seq       idle: the guest computes
 *   req_seq == rep_seq + 1   request: the home thread owns the call
 *
 *   idle -> request   guest-stub     fills the request line, then increments req_seq with a full barrier (xchg)
 *   request -> idle   home thread    fills the reply line, then sets rep_seq = req_seq with release order; or the module in its stead,
 *                                    while it waits for an event (decouple/gate.h: DECOUPLE_GATE_EVENT)
 *
 * Sleeping: a side sets its asleep (or halted) word, executes a full barrier, looks at the other's sequence number once more, and only then
 * sleeps. The other side publishes, executes a full barrier, and looks at the asleep word. One of them sees the other.
 *
 * Nothing in this page is trusted by the home thread: each field is read once, and every value is one that the thread could have
 * passed in a native system call.
 */
#ifndef DECOUPLE_SLOT_H
#define DECOUPLE_SLOT_H

#define DECOUPLE_SLOT_VERSION 3

/* What a reply asks of guest-stub (slot->reply); the last two in decouple/exchange.h. */
#define DECOUPLE_REPLY_RETURN 0 /* return to user code with slot->ret */
#define DECOUPLE_REPLY_SAVE 1
#define DECOUPLE_REPLY_LOAD 2

/* Offsets, for the assembler; asserted below. */
#define DECOUPLE_SLOT_SPIN 4
#define DECOUPLE_SLOT_HALTS 8
#define DECOUPLE_SLOT_REQ_SEQ 64
#define DECOUPLE_SLOT_NR 68
#define DECOUPLE_SLOT_ARG0 72
#define DECOUPLE_SLOT_ARG1 80
#define DECOUPLE_SLOT_ARG2 88
#define DECOUPLE_SLOT_ARG3 96
#define DECOUPLE_SLOT_ARG4 104
#define DECOUPLE_SLOT_ARG5 112
#define DECOUPLE_SLOT_VCPU_ASLEEP 120
#define DECOUPLE_SLOT_VCPU_HALTED 124
#define DECOUPLE_SLOT_RET 128
#define DECOUPLE_SLOT_REP_SEQ 136
#define DECOUPLE_SLOT_HOME_ASLEEP 140
#define DECOUPLE_SLOT_REPLY 144
#define DECOUPLE_SLOT_SAVED_RAX 192
#define DECOUPLE_SLOT_SAVED_RSP 200

#ifndef __ASSEMBLER__
#include <linux/types.h>
#ifdef __KERNEL__
#include <linux/stddef.h>
#else
#include <stddef.h>
#endif

struct decouple_slot {
	/* Line 0: written at set-up only. */
	__u32 version; /* DECOUPLE_SLOT_VERSION; both sides check for equality */
	__u32 spin; /* polls of rep_seq by the guest before it rings the doorbell; >= 1 */
	__u32 halts; /* 1: behind its polls the guest halts, and the reply comes with an interrupt; 0: it rings DECOUPLE_DOORBELL_WAIT */
	__u32 reserved0;
	__u64 reserved1[6];
	/* Line 1: the request; written by the guest, vcpu_asleep by its vCPU thread. */
	__u32 req_seq;
	__u32 nr; /* EAX at the SYSCALL instruction */
	__u64 arg[6]; /* RDI RSI RDX R10 R8 R9 */
	__u32 vcpu_asleep; /* 1: the vCPU thread sleeps on rep_seq and must be woken by futex */
	__u32 vcpu_halted; /* 1: the guest halts, or is about to, and must be woken by DECOUPLE_VECTOR_WAKE; written by the guest */
	/* Line 2: the reply; written by the home thread. */
	__u64 ret; /* RAX after the call */
	__u32 rep_seq;
	__u32 home_asleep; /* 1: the home thread must be woken by a doorbell */
	__u32 reply; /* DECOUPLE_REPLY_*, of the reply that rep_seq names */
	__u32 reserved2;
	__u64 reserved3[5];
	/* Line 3: the guest's own; read by others only while the vCPU is paused. */
	__u64 saved_rax; /* RAX at the SYSCALL instruction, all 64 bits */
	__u64 saved_rsp;
	__u64 reserved4[6];
};

#ifdef __cplusplus
#define DECOUPLE_SLOT_CHECK(field, off) static_assert(offsetof(struct decouple_slot, field) == (off), #field)
#else
#define DECOUPLE_SLOT_CHECK(field, off) _Static_assert(offsetof(struct decouple_slot, field) == (off), #field)
#endif
DECOUPLE_SLOT_CHECK(spin, DECOUPLE_SLOT_SPIN);
DECOUPLE_SLOT_CHECK(halts, DECOUPLE_SLOT_HALTS);
DECOUPLE_SLOT_CHECK(req_seq, DECOUPLE_SLOT_REQ_SEQ);
DECOUPLE_SLOT_CHECK(nr, DECOUPLE_SLOT_NR);
DECOUPLE_SLOT_CHECK(arg, DECOUPLE_SLOT_ARG0);
DECOUPLE_SLOT_CHECK(arg[5], DECOUPLE_SLOT_ARG5);
DECOUPLE_SLOT_CHECK(vcpu_asleep, DECOUPLE_SLOT_VCPU_ASLEEP);
DECOUPLE_SLOT_CHECK(vcpu_halted, DECOUPLE_SLOT_VCPU_HALTED);
DECOUPLE_SLOT_CHECK(ret, DECOUPLE_SLOT_RET);
DECOUPLE_SLOT_CHECK(rep_seq, DECOUPLE_SLOT_REP_SEQ);
DECOUPLE_SLOT_CHECK(home_asleep, DECOUPLE_SLOT_HOME_ASLEEP);
DECOUPLE_SLOT_CHECK(reply, DECOUPLE_SLOT_REPLY);
DECOUPLE_SLOT_CHECK(saved_rax, DECOUPLE_SLOT_SAVED_RAX);
DECOUPLE_SLOT_CHECK(saved_rsp, DECOUPLE_SLOT_SAVED_RSP);
#undef DECOUPLE_SLOT_CHECK
#endif

#endif
