/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What user space knows of the resident: the image header, the control block through which it is configured, commanded and
 * observed, and the public part of each session. All are read and written from outside with process_vm_readv/writev.
 *
 * The image is one flat, position-independent file. The injector maps image_size bytes, copies the file to their start, fills in
 * Control::config and runs init_entry on any thread of the process.
 */
#ifndef DECOUPLE_RESIDENT_H
#define DECOUPLE_RESIDENT_H

#include <stdint.h>

namespace decouple
{

constexpr uint64_t resident_magic[2] = {0x7a5d3e91c46f08b2, 0x656c70756f636564}; /* second word: "decouple" */
constexpr uint32_t resident_version = 5;
constexpr uint32_t max_sessions = 1024; /* DECOUPLE_VCPU_MAX */

/* First bytes of the image. Offsets are from the image's start. */
struct ImageHeader {
	uint64_t magic[2];
	uint32_t version;
	uint32_t file_size;
	uint32_t image_size; /* file and zeroed memory behind it, whole pages */
	uint32_t text_size; /* leading bytes to be mapped r-x, whole pages; the rest is rw- */
	uint32_t init_entry; /* code: runs on the injected thread, see inject.S in userland */
	uint32_t control; /* struct Control */
	uint32_t leave_entry; /* code: recouple a home thread found blocked in [call_begin, call_end]; see Command::recouple */
	uint32_t call_begin; /* code range in which the home thread issues an interruptible system call */
	uint32_t call_end; /* address behind that SYSCALL instruction */
	uint32_t init_stack; /* top of the stack on which init_entry runs */
	uint32_t module_init_entry; /* as init_entry, for DECOUPLE_START of the module */
	uint32_t reserved;
};
static_assert(sizeof(ImageHeader) == 64);

enum class SessionState : uint32_t {
	none = 0, /* table entry free */
	starting, /* vCPU exists, first capture outstanding */
	decoupled, /* user code runs in the guest, or its call is being served */
	paused, /* in the gate, vCPU stopped */
	native, /* released for a moment (signal, fault, exec ...), will be captured again */
	recoupled, /* given back; see reason */
	failed, /* could not be set up; see error */
};

/* Why a session ended or a thread runs natively. */
enum class Reason : uint32_t {
	none = 0,
	asked, /* decouple recouple */
	signal64_taken, /* the application installed an action for the reserved signal */
	seccomp, /* the thread installed a seccomp filter */
	exec,
	exited,
	unsupported_call, /* detail: system call number */
	kvm_lost, /* VM could not be rebuilt; detail: errno */
	debugger, /* one attached; with the module only */
	core_lost, /* the vCPU thread was moved away, and can't get back; detail: the core */
};

/* What only a tracer can see of a thread; written by the controller while it holds the thread stopped for its first capture. */
struct Handover {
	uint64_t rseq; /* address of the registered rseq area; 0: none */
	uint32_t rseq_len;
	uint32_t rseq_sig;
	uint32_t reserved_blocked; /* the thread had the reserved signal blocked (the tracer has unblocked it) */
	uint32_t reserved;
};

/* Public part of a session, at the start of its private memory. Written by the resident, read by anyone. */
struct SessionInfo {
	int32_t tid;
	int32_t vcpu_tid;
	uint32_t core; /* dedicated core */
	uint32_t service_core; /* where the home thread is pinned */
	SessionState state;
	Reason reason;
	int64_t detail;
	uint32_t index; /* vCPU number */
	int32_t error; /* -errno of a failed set-up */
	/* Counters: monotonic, one writer each, read without locks. */
	uint64_t syscalls; /* reflected */
	uint64_t exits; /* KVM_RUN returns to user space */
	uint64_t captures; /* entries into the gate from native execution */
	uint64_t recouples; /* returns to native execution */
	uint64_t signals; /* deliveries while decoupled */
	uint64_t faults; /* guest faults and exceptions given to Linux */
	uint64_t page_exits; /* guest page-table misses resolved by the resident */
	uint64_t doorbells; /* home thread or vCPU thread had to be woken */
	uint64_t events; /* waits that the kernel ended in the guest */
	uint64_t clones; /* clone, fork, vfork */
	uint64_t last_syscall;
	uint64_t first_run_tsc; /* TSC at the first entry into the guest */
	Handover handover;
	uint64_t kvm_stats; /* address of struct KvmStats */
};

/* KVM's statistics of the vCPU, as its statistics file gives them (KVM_GET_STATS_FD). Written when Control::kvm_asked says so, and at its end. */
struct KvmStats {
	uint32_t size; /* bytes in `file`; 0: never read, or this KVM has none */
	uint32_t base_size; /* 0: the session's vCPU is its own */
	uint8_t file[8192];
	uint8_t base[8192]; /* as it was when this session took the vCPU over from one that had ended */
};

/* What a process tells the follower, in one datagram to Config::follow_socket; any answer lets it go on. */
enum class FollowNews : uint32_t {
	executes = 1, /* an execve follows at once */
	child, /* a child that shares its parent's memory begins: it runs natively, and may execute a program */
};

/*
 * KVM's interrupt controllers, with the module's reflector: none, and vCPUs don't halt; local ones only; I/O APIC and PIC as well. With any,
 * KVM fetches pages asynchronously (virt/kvm/async_pf.c), and would try for ever where one can't be had: reflector_unfetched().
 */
enum class ApicMode : uint32_t { none = 0, split, full };

/* Set by the injector before init_entry runs; constant after, except where marked. */
struct Config {
	uint64_t
		vdso_farewell; /* address of `syscall; mov $60,%eax; syscall` in the vDSO's slack, for the manager's last step */
	uint64_t vdso_release; /* address of `movl $0,(%rsi); syscall` there, for the last step of a new thread or process */
	uint32_t home_spin_us; /* home thread polls the slot this long before it sleeps; may be changed while running */
	uint32_t guest_spin; /* slot.h: spin */
	uint32_t follow; /* new threads and forked children are decoupled too */
	uint32_t core_count; /* dedicated cores to choose from, in cores[] */
	uint16_t cores[64];
	uint32_t service_core_count;
	uint16_t service_cores[64];
	uint64_t rseq_offset; /* rseq area - fs base, for threads that --follow adopts; 0: unknown */
	uint32_t rseq_len;
	uint32_t rseq_sig;
	uint32_t hold; /* init_entry waits for the VM, makes a session for its own thread on hold_core and has it captured */
	uint32_t hold_core;
	uint32_t hold_service_core;
	uint32_t hold_reserved_blocked; /* as Handover::reserved_blocked, for that thread */
	char follow_socket
		[64]; /* abstract socket name (without the leading NUL) told of an execve (enum class FollowNews); empty: none */
	uint64_t gate; /* address of the module's gate (decouple/gate.h); 0: the signal reflector */
	ApicMode apics;
	uint32_t serves_places; /* the controller serves Control::place until the VM is ready; then cleared by the manager */
	uint32_t reserved[4];
};

enum class Command : uint32_t {
	none = 0,
	add, /* make a session for `tid` on `core`; the thread itself keeps running natively until signal 64 captures it */
	capture, /* take `tid` out of native execution; module only: otherwise the controller sends signal 64 */
	recouple, /* give `tid` (0: all) back; done when its state is `recoupled` */
	unload, /* end all resident threads, undo everything; afterwards the image itself is unmapped */
	bench_round_trips, /* `arg` recouple + decouple round trips of `tid`; ticks in samples[] */
};

/* One command at a time; the controller holds the process's lock (see userland/lock.h). Written by the controller, then seq. */
struct Mailbox {
	uint32_t seq; /* incremented by the controller after the fields; then signal 64 is sent to the manager thread */
	uint32_t done_seq; /* set to seq by the manager after result */
	Command command;
	int32_t tid;
	uint32_t core;
	uint32_t service_core;
	uint32_t reserved;
	uint64_t arg;
	int64_t result; /* >= 0 or -errno; for `add`: the session's index */
};

/*
 * A vCPU thread whose core its cpuset doesn't allow asks the controller, which waits for the thread's session meanwhile, to bring it into
 * the cpuset of that core. One at a time.
 */
struct PlaceRequest {
	uint32_t seq; /* incremented by the vCPU thread after the fields */
	uint32_t done_seq; /* set to seq by the controller after result */
	int32_t tid; /* of the vCPU thread */
	uint32_t core;
	int32_t result; /* 0 or -errno */
	uint32_t reserved;
};

/* What a panic leaves behind. */
struct PanicReport {
	uint32_t line; /* 0: none */
	uint32_t tid;
	int64_t value;
	char file[32];
};

enum class ResidentState : uint32_t { fresh = 0, running, failed, dead };

struct Control {
	Config config;
	ResidentState state;
	int32_t manager_tid;
	int32_t tgid;
	int32_t error; /* -errno when failed */
	uint32_t error_step; /* enum class SetupStep in vmm-lite/setup_step.h */
	uint32_t pvm; /* 1: SYSCALL stays at CPL 3 on this KVM */
	uint64_t windows; /* memslots on process memory */
	uint64_t image_base, image_size;
	int32_t hold_tid; /* the thread on which init_entry ran */
	uint32_t exit_status; /* of the thread that exited last */
	uint32_t hold_go; /* set by the controller: the set-up failed, and the held thread shall go on natively */
	uint32_t reserved;
	uint64_t init_begin_tsc, init_done_tsc; /* TSC when init_entry began, and was about to return */
	Mailbox mailbox;
	PlaceRequest place;
	PanicReport panic;
	uint64_t sessions[max_sessions]; /* addresses of SessionInfo; 0: free */
	uint32_t sample_count;
	uint32_t samples[4096];
	uint32_t
		kvm_asked; /* 1: the manager shall read all KvmStats; set from outside, which then wakes it; cleared by the manager */
	uint32_t kvm_answers; /* how often it has */
};

} // namespace decouple

#endif
