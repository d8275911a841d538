/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The contract between kmod-decouple and the resident: gate calls and frames. C, C++ and assembler.
 *
 * The module maps the gate into the process (DECOUPLE_MAP): one page of handle, then one page for each frame. Any thread of the
 * process makes a gate call, without a file descriptor, by msync(2) on the handle's page; the kernel drops its locks and comes to the
 * module:
 *
 *   RAX __NR_msync, RDI the gate's address, RSI 4096, RDX MS_SYNC, R10 enum decouple_gate_call, R8 and R9 its arguments
 *
 * Returns what the call says, or -errno: -EINVAL for an unknown call or a frame without a session, -EPERM when the caller is not the
 * task that the call is for, -ENOSYS when the range is not the handle's page, or the call is a 32-bit one. A process may only ever harm
 * itself: a frame's registers are checked as those of rt_sigreturn(2) are.
 */
#ifndef DECOUPLE_GATE_H
#define DECOUPLE_GATE_H

#define DECOUPLE_GATE_VERSION 5

#define DECOUPLE_GATE_FRAMES 576 /* sessions per process */
#define DECOUPLE_GATE_PAGE 4096
#define DECOUPLE_GATE_SIZE ((1 + DECOUPLE_GATE_FRAMES) * DECOUPLE_GATE_PAGE)

#ifndef __ASSEMBLER__
#include <linux/types.h>

/* In R10. "frame" is the number of a frame, 0 to DECOUPLE_GATE_FRAMES - 1. */
enum decouple_gate_call {
	/* R8 frame, R9 tid of a thread of the caller's process. Makes a session for it; the frame's entry must be filled in. The
	 * thread goes on natively. -ESRCH no such thread, -EBUSY frame or thread has a session, -ENOEXEC a 32-bit thread; 0 also
	 * when they have each other already. */
	DECOUPLE_GATE_ADD = 1,
	/* R8 frame. Ends the session; the thread stays where it is. Waits until the module is done with it. */
	DECOUPLE_GATE_REMOVE,
	/* R8 frame. The thread enters the gate as soon as it returns to user mode; a blocked system call is interrupted, and will
	 * be begun again. Returns at once; 0 also when it is in the gate already. */
	DECOUPLE_GATE_CAPTURE,
	/* R8 frame; by its own thread, in the gate. Leaves the gate with the frame's registers and mask; R9 enum decouple_return. */
	DECOUPLE_GATE_RETURN,
	/* R8 frame; by its own thread, in the gate. R9 longest sleep in ns, 0 without limit. Sleeps until DECOUPLE_GATE_WAKE or a signal
	 * that frame->mask_wait lets through is pending. Returns enum decouple_wake. */
	DECOUPLE_GATE_WAIT,
	/* R8 frame. Ends the thread's DECOUPLE_GATE_WAIT, or its next one. */
	DECOUPLE_GATE_WAKE,
	/* R8 frame. If frame->in_call is 1: interrupts that system call, so that frame->interrupted becomes 1. */
	DECOUPLE_GATE_INTERRUPT,
	/* R8 frame; by its own thread, in the gate. The next interruptible call is interrupted when it would sleep. */
	DECOUPLE_GATE_INTERRUPT_FIRST,
	/* R8 frame. The calling thread is the session's vCPU thread from now on. -EPERM it may run on a core that no controller has
	 * permitted (DECOUPLE_USE_CORES), -EBUSY there is one that has not ended, -ENOMEM. */
	DECOUPLE_GATE_VCPU,
	/* R8 frame, R9 an eventfd in the caller's table, instead of the one before. Whenever it is signalled, as by DECOUPLE_GATE_WAKE.
	 * -EBADF, -EINVAL no eventfd. */
	DECOUPLE_GATE_DOORBELL,
	/* R8 frame. KVM_RUN of the session's vCPU thread returns EINTR, now or when it is next made. */
	DECOUPLE_GATE_KICK,
	/* The caller becomes the process's manager and sleeps for R9 ns at most (0: without limit) until DECOUPLE_GATE_POKE or the
	 * controller's DECOUPLE_POKE. Returns enum decouple_wake. */
	DECOUPLE_GATE_MANAGE,
	/* Wakes the manager. */
	DECOUPLE_GATE_POKE,
	/* R8 frame, R9 a core that a controller has permitted (DECOUPLE_USE_CORES). The calling thread runs there, whatever its cpuset
	 * allows. Once it is the session's vCPU thread, it is brought back by itself if anything moves it away. -EPERM not permitted,
	 * -EBUSY another thread is that, -ENODEV offline, -EINVAL no such core. */
	DECOUPLE_GATE_CORE,
	/* R8 frame, R9 address of a struct decouple_event_set_up. Once in a session; for DECOUPLE_GATE_EVENT. -EFAULT, -EINVAL, -EBADF,
	 * -ENOMEM, -EBUSY it was done already, -ENODEV kvm is not loaded. */
	DECOUPLE_GATE_EVENTS,
	/*
	 * R8 frame, R9 address of a struct decouple_event_wait; by its own thread, in the gate, best as an interruptible call. Waits as
	 * read(2) of an eventfd or poll(2) of some would. Returns enum decouple_event_end; or did nothing: -EAGAIN no wait is needed, or it is
	 * not to block; -EINVAL, -EBADF not only eventfds, or too many; -EFAULT, or the buffer is on more than one page (-EINVAL);
	 * -ENOENT no DECOUPLE_GATE_EVENTS.
	 */
	DECOUPLE_GATE_EVENT,
	/* R8 frame. The halt of the session's vCPU ends. -ENOENT no DECOUPLE_GATE_EVENTS. */
	DECOUPLE_GATE_WAKE_VCPU,
};

/* Where the module replies in the home thread's stead. */
struct decouple_event_set_up {
	__u64 slot; /* address of the session's slot, a page */
	__s32 waker; /* eventfd that interrupts the halted vCPU (KVM_IRQFD) */
	__u32 reserved; /* 0 */
};

#define DECOUPLE_EVENT_SOURCES 8

enum decouple_event_kind { DECOUPLE_EVENT_READ = 1, DECOUPLE_EVENT_POLL = 2 };

struct decouple_event_wait {
	__u32 kind; /* enum decouple_event_kind */
	__u32 seq; /* what rep_seq becomes with the reply: the request's req_seq */
	__u32 count; /* struct pollfd in the buffer, DECOUPLE_EVENT_SOURCES at most; 1 for read(2) */
	__s32 fd; /* for read(2); not looked at for poll(2) */
	__u64 buffer; /* address of 8 bytes, or of `count` struct pollfd */
	__u64 ns; /* longest wait; 0: without limit */
};

enum decouple_event_end {
	DECOUPLE_EVENT_TIMEOUT = 0,
	DECOUPLE_EVENT_REPLIED = 1, /* the call is over for the decoupled thread, which may have made another one by now */
};

/* Added to enum decouple_return: frame->mask is for the delivery of signals only, frame->mask_saved comes into force behind it. */
#define DECOUPLE_RETURN_TEMPORARY 0x100

/* What ended a sleep; the last three are for the manager. */
enum decouple_wake {
	DECOUPLE_WAKE_TIMEOUT = 0,
	DECOUPLE_WAKE_BELL = 1,
	DECOUPLE_WAKE_SIGNAL = 2,
	DECOUPLE_WAKE_RECOUPLE = 3, /* root asks for the end of all sessions */
	/* A tracer waits for a thread to stop (PTRACE_ATTACH), which it does where it leaves the gate: all sessions must end. */
	DECOUPLE_WAKE_DEBUGGER = 4,
	DECOUPLE_WAKE_TRACED = 5, /* a tracer has a thread that is in the gate (PTRACE_SEIZE), and does not wait */
};

enum decouple_return {
	DECOUPLE_RETURN_STAY = 0, /* runs natively from now on */
	DECOUPLE_RETURN_CAPTURE =
		1, /* is captured again before its first instruction, behind the signals that Linux delivers first */
	DECOUPLE_RETURN_STEP = 2, /* executes one instruction natively and is captured behind it, or at what it raised */
	DECOUPLE_RETURN_SLIP =
		3, /* as STEP, but without the trap flag: captured at the next entry to the kernel behind that instruction */
	DECOUPLE_RETURN_LEAVE = 4, /* as STAY, and the session ends */
};

/* What became of an interruptible call that was interrupted and left by call_skip. */
enum decouple_restart {
	DECOUPLE_RESTART_NOT_BEGUN = 0,
	DECOUPLE_RESTART_AGAIN = 1, /* it would begin again */
	DECOUPLE_RESTART_BLOCK = 2, /* it would go on by restart_syscall(2) */
};

/* General registers, in the order of the kernel's struct sigcontext. */
struct decouple_regs {
	__u64 r8, r9, r10, r11, r12, r13, r14, r15;
	__u64 rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
};

/*
 * One per session. "module": written by the module while the thread enters the gate or is in a call; "resident": by the resident, read
 * once by the module, at the call that it is for. Offsets are used by vmm-lite/gate.S and asserted in vmm-lite.
 */
struct decouple_frame {
	struct decouple_regs regs; /* module at capture, resident before DECOUPLE_GATE_RETURN */
	__u64 mask; /* blocked signals, bit N-1 for signal N; module at capture, resident before DECOUPLE_GATE_RETURN */
	__u64 mask_saved; /* resident, with DECOUPLE_RETURN_TEMPORARY */
	__u64 captures; /* module: entries into the gate */
	__u64 rseq; /* module, at capture: address of the thread's rseq area, 0: none */
	__u32 rseq_len, rseq_sig;
	__u64 rseq_cs; /* module, at capture: its rseq_cs pointer */

	__u64 entry; /* resident: where the thread goes when captured, */
	__u64 entry_rsp; /* with this stack pointer */
	__u64 entry_rdi; /* and this in RDI; all other registers are undefined, vector registers the application's */

	/* Interruptible calls: an instruction range of which an interruption leads to call_skip. */
	__u64 call_begin, call_end, call_skip; /* resident */
	__u64 mask_wait; /* resident: the application's signal mask during the current wait or interruptible call */
	__u32 in_call; /* resident: 1 while in an interruptible call; cleared by the module when it interrupts */
	__u32 interrupted; /* module: that has been done */
	__u32 restart; /* module, with call_skip: enum decouple_restart */
	__u32 noticed; /* module: a signal for the thread or its process has come, or the thread was captured; cleared by the resident */
	__u32 unfetched; /* module: KVM can't get a page of the guest's, so KVM_RUN returns EINTR; cleared by the resident */
	__u32 reserved;
};

#endif /* __ASSEMBLER__ */
#endif
