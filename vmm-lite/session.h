/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A session: everything of one decoupled thread. Who owns what:
 *
 *   home thread   gate code, context, virtual mask; owns the register state while mode is `gate` and the vCPU is stopped
 *   vCPU thread   KVM_RUN; owns the register state between a command and `stopped`
 *   manager       creates and frees sessions, serves the mailbox
 *
 * All words that two of them share say who writes them.
 */
#ifndef DECOUPLE_VMM_SESSION_H
#define DECOUPLE_VMM_SESSION_H

/* For gate.S; asserted below. */
#define SESSION_TID 0
#define SESSION_MODE 168
#define SESSION_INTERRUPTED 172
#define SESSION_GATE_STACK 176
#define SESSION_FP 1408
#define SESSION_MODE_GATE 1
#define GATE_RETURN 4
#define CONTROL_SESSIONS 624

#ifndef __ASSEMBLER__
#include "sys.h"
#include "resident.h"
#include "state.h"
#include "decouple/slot.h"

namespace decouple
{

/* Where the home thread is. Written by the home thread; fresh, not to be captured yet, is the manager's. */
enum class Mode : u32 { native = 0, gate = SESSION_MODE_GATE, left = 2, fresh = 3 };

/* What the vCPU thread shall do next. Written by the home thread, cleared by the vCPU thread. */
enum class VcpuCommand : u32 { none, load, mirror, quit };

/* idle: waits for a command. Written by the vCPU thread, set to running by the home thread together with a command. */
enum class VcpuStatus : u32 { idle, running, paused, event };

/* Context of a new task until it has left the gate; see spawn.cc. */
struct ChildRecord {
	alignas(64) u8 fp[fp_buffer_size];
	UContext context;
	struct Session *session; /* the parent's */
	u32 fp_size;
	u32 new_mm; /* the child has memory of its own */
	u32 own_actions; /* the child has signal actions of its own */
	u32 on_child_stack; /* the child leaves by a frame on its own stack */
	u32 other_process; /* the child shares memory with its parent, but is no thread of it */
	const u64 *trial; /* not a child of the application: makes this call and ends */
	long trial_result;
	u32 busy; /* 1 from clone until the record may be used again */
	alignas(16) u8 stack[4096];
};
constexpr u32 child_records = 8;

struct Session {
	SessionInfo info;
	u32 mode; /* enum Mode, also read by gate.S */
	u32 interrupted; /* the capture signal arrived while in the gate; written by the home thread's signal entry */
	u64 gate_stack; /* top */
	u64 vcpu_stack; /* top */

	/* Home thread and vCPU thread. */
	alignas(64) u32 command;
	u32 vcpu_idle_asleep; /* vCPU thread sleeps on `command` */
	alignas(64) u32 status;
	u32 kick; /* home thread wants the vCPU stopped */
	u32 in_kvm_run; /* vCPU thread is in or about to enter KVM_RUN */
	u32 event_vector; /* status event: vector, or event_memory */
	/*
	 * Permission to send the home thread one capture signal. Set by the home thread, claimed by exchange with 0 by whoever sends;
	 * a home thread that finds it claimed waits for that signal, so that none arrives where it is not expected.
	 */
	alignas(64) u32 call_claim; /* home thread is in an interruptible system call */
	u32 recapture_claim; /* thread runs natively and shall be captured */
	u32 recapture_armed; /* the home thread's own: recapture_claim was set since the last capture */
	u32 self_captured; /* the home thread's own: it sent itself the capture signal */
	u32 send_failed; /* a claimed signal will not come: the user's signal queue is full; set by the sender */
	u64 effective_mask; /* application's signal mask in the current interruptible call */
	u32 recapture_tries; /* back-off of the recapture, see run.cc */
	u32 want; /* enum Want; set by the manager */

	/* The home thread's own. */
	alignas(64) UContext context; /* of the last capture; template of the next return */
	u64 mask; /* application's signal mask without the reserved bit */
	u32 mask_has_reserved; /* the application believes to block the reserved signal */
	u32 fp_size; /* bytes of the frame's XSAVE image incl. second magic */
	u64 affinity[16]; /* the application's CPU mask */
	u64 affinity_size;
	RseqArea rseq;
	u32 first_capture_done;
	u32 in_moment; /* let go by Return::moment */
	u32 pinned; /* the task has the service core's mask, `affinity` the application's */
	struct { /* the thread was let go for one instruction, with TF set; and SIGTRAP was blocked before, see fault.cc */
		u32 on, trap_blocked;
	} step;
	struct { /* signals are being delivered, and where the thread was when it was let go for that */
		u64 active, rip, rsp;
	} delivery;
	struct
	{ /* a call with a mask of its own was interrupted: what the handler's frame and mask must become, see signals.cc */
		u32 armed;
		int signal;
		u64 original, handler_mask;
	} temporary_mask;
	struct { /* see cputime.h */
		s64 own_ns; /* thread's CPU time at its first capture, plus native slices since */
		s64 vcpu_base_ns; /* the vCPU thread's clock at the first capture */
		s64 burned_ns; /* CPU time of long calls beyond what the vCPU thread spun meanwhile */
		s64 native_since_ns; /* home thread's clock when it last left the gate; 0: in the gate */
		s64 home_seen_ns, vcpu_seen_ns; /* both clocks when last read, at seen_tsc */
		u64 seen_tsc;
	} cpu;
	u32 core_aux; /* TSC_AUX of the dedicated core: node << 12 | core */
	u32 core_lost; /* the vCPU thread can't get back to its core: the thread is to be given back; set by the vCPU thread */
	u64 mirror[4]; /* system call that the vCPU thread repeats for itself */
	s64 mirror_result;
	u32 next_record;
	ChildRecord *born; /* with the module: a child that is captured for the first time goes on as this says */
	Session *spare; /* memory of the thread's session before this one, or null; see session.cc */

	/* The vCPU. Fds are the resident threads' own table. */
	u32 vcpu_reused; /* it was another session's, on the same core */
	u32 vcpu_id;
	s32 vcpu_fd, status_fd, doorbell_fd; /* 0: none */
	s32 wake_fd; /* interrupts the vCPU; 0: it doesn't halt */
	s32 stats_fd; /* under vm.stats_lock */
	u64 doorbell_gpa; /* page of the vCPU's doorbell */
	struct kvm_run *run;
	u64 run_size;
	struct decouple_slot *slot;
	u8 *block; /* vCPU block in the stub area */
	u64 block_va;
	u32 vcpu_alive; /* CLONE_CHILD_CLEARTID word */
	GuestState guest;
	u64 loaded_fs, loaded_gs;
	u64 last_fault_rip, last_fault_addr, last_probe_rsp;
	u32 same_faults;
	u32 round_trips_left;
	s32 no_event; /* descriptor that was lately found to be no eventfd; see event.cc */
	u32 exchanges, held; /* the vCPU's state can go by the stub; it waits for that now; see exchange.h */
	u64 round_trip_start;
	alignas(64) u8 fp[fp_buffer_size]; /* signal frame's image, template of the next return */
	alignas(64) u8 xsave[fp_buffer_size]; /* the vCPU's */
	alignas(64) ChildRecord records[child_records];
	KvmStats kvm_stats;
};

enum class Want : u32 { none = 0, recouple, round_trips };

static_assert(offsetof(Control, sessions) == CONTROL_SESSIONS);
static_assert(offsetof(SessionInfo, tid) == SESSION_TID);
static_assert(offsetof(Session, mode) == SESSION_MODE);
static_assert(offsetof(Session, fp) == SESSION_FP);
static_assert(offsetof(Session, interrupted) == SESSION_INTERRUPTED);
static_assert(offsetof(Session, gate_stack) == SESSION_GATE_STACK);

constexpr u64 session_stack_size = 65536;

/* One instance each, in the image. */
extern "C" struct Control control __attribute__((visibility("hidden")));
extern "C" u32 session_limit __attribute__((visibility("hidden"))); /* sessions[] entries ever used; read by gate.S */

Session *session_of(s32 tid);
Session *session_at(u32 index);

/* Allocates, registers and frees sessions. Manager only. */
long session_create(s32 tid, Session **out);
void session_free(Session *s);

} // namespace decouple
#endif
#endif
