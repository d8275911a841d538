/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a reflector does for the gate: take a thread out of native execution, let it go, wait, wake. Everything above (gate, calls,
 * signals, spawn) is the same for both: the signal reflector, whose capture is signal 64, and the module's (decouple/gate.h). Which one it
 * is, the controller has decided for the whole process.
 */
#ifndef DECOUPLE_VMM_REFLECTOR_H
#define DECOUPLE_VMM_REFLECTOR_H

#include "session.h"

namespace decouple
{

inline bool by_module()
{
	return control.config.gate != 0;
}

/* The signals that the reflector keeps from the application, as a set. */
inline u64 reserved_signals()
{
	return by_module() ? 0 : capture_bit;
}

/* What ended reflector_sleep(). */
enum class Wake { doorbell, signal };

/* How a thread goes on natively. */
enum class Return {
	stay, /* for good, or to end */
	capture, /* it is captured before its next instruction, behind the signals that Linux delivers first */
	moment, /* Linux is to judge the next instruction; captured behind it, or at the handler of what it raised */
};

/* How a call that was interrupted would end natively, if no handler forbids it. */
enum class CallEnd {
	not_begun,
	eintr, /* it fails */
	again, /* it starts again */
	again_unhandled, /* it starts again, but fails behind any handler */
	restart_block, /* it goes on by restart_syscall(2), but fails behind any handler */
};

/* Prepares the process for captures; -EBUSY: the application uses the mechanism itself. On the first injected thread. */
long reflector_prepare();
/* Undoes what captures needed in the process, when the last session is gone or in a child that has its own signal actions. */
void reflector_release();
/* The first thread of the process is captured; the last one leaves. */
void reflector_first_capture(Session *s);
void reflector_last_leave();
/* A session begins: before its first capture, on the manager; ends, unless the thread has left by itself; 0 or -errno. */
long reflector_add(Session *s);
void reflector_remove(Session *s);
/* Is the thread of a session that is over out of the image for good? Waits a little; the signal reflector's controller has looked. */
bool reflector_left(Session *s);
/* The caller is the session's vCPU thread, and its vCPU is there; 0 or -errno. */
long reflector_vcpu(Session *s);
/*
 * Brings the calling vCPU thread to its session's core, and keeps it there, whatever cpusets say; 0 or -errno. False: not done, it is for
 * the caller to do.
 */
bool reflector_core(Session *s, long *result);
/* Undoes it before the vCPU goes. */
void reflector_vcpu_end(Session *s);

/* capture: armed for a thread that runs natively; from any resident thread. The thread enters the gate as soon as it can. */
void reflector_capture(Session *s);
/* Has the calling thread captured when it comes out of the resident's first function; see ImageHeader. */
void reflector_capture_self();
/* KVM_RUN of the vCPU thread returns EINTR. False: try again at once. */
bool reflector_kick(Session *s);
/* Takes back kicks that came too late. On the vCPU thread. */
void reflector_kicked();

/* Behind such a return: is it because KVM can't get a page of the guest's, so that Linux must judge the access? */
bool reflector_unfetched(Session *s);

/* The manager's sleep, and why it is to recouple all, if it is; and its end, from any thread. */
Reason reflector_manager_wait(const TimeSpec *longest);
void reflector_manager_wake();

/* wait: the home thread sleeps until its doorbell rings or an application signal that `mask` lets through is pending. */
Wake reflector_sleep(Session *s, u64 mask);
/* The home thread found slot->home_asleep claimed: waits until the doorbell has rung. */
void reflector_take_claimed(Session *s);
/* Rings the home thread's doorbell if it sleeps (claims slot->home_asleep). Any thread. */
void reflector_wake_home(Session *s);
/* Interrupts the home thread's interruptible call, if it is in one. Any thread. */
bool reflector_interrupt_call(Session *s);
/* May a signal have come since this was last asked? Cheap; for a home thread that spins. */
bool reflector_signal_possible(Session *s);
/* Does nobody else notice signals for a home thread in a call? Then the vCPU thread must look for them. */
inline bool reflector_watches_calls()
{
	return by_module();
}

/*
 * complete: executes call[0..6] on the home thread such that reflector_interrupt_call() can interrupt it. False: interrupted or not begun,
 * and *end says how it ends; true: *result is its result.
 */
bool reflector_call(Session *s, const u64 call[7], u64 mask, long *result, CallEnd *end);

/*
 * As above for a call whose own signal mask lets only the reserved signal through. `signal`: an application signal waits already, and the
 * kernel decides whether the call is over before it looks at signals.
 */
bool reflector_call_masked(Session *s, const u64 call[7], u64 mask, bool signal, long *result);

/* deliver / release: the thread goes on natively with session->context and mask; all of its registers were put there. */
[[noreturn]] void reflector_return(Session *s, Return how);

/*
 * The thread returns from a signal handler: the kernel restores the application's frame, and captures the thread there. vCPU paused,
 * session->context filled as for reflector_return().
 */
[[noreturn]] void reflector_return_to(Session *s, UContext *frame);

/*
 * Does the kernel order signals as natively when a capture follows their delivery? Else the process's have to be moved to the thread
 * (reflector_requeue) so that the capture does not come before them.
 */
inline bool reflector_keeps_order()
{
	return by_module();
}
void reflector_requeue(Session *s, const SigInfo &info);

/* Disposition bookkeeping: the application's own view of an action that the reflector has to alter. */
void reflector_filter_action(int signal, SigAction *to_kernel);
void reflector_unfilter_action(int signal, SigAction *to_app);
/* The application's handler of that signal has the reserved one in its sa_mask. */
bool reflector_action_blocks_reserved(int signal);
/* A handler of `signals` may run on an alternate stack that is too small for a capture on top of it: capture after it instead. */
void reflector_spare_altstack(Session *s, u64 signals);

} // namespace decouple

extern "C" {
void capture_entry() __attribute__((visibility("hidden")));
void signal_restorer() __attribute__((visibility("hidden")));
[[noreturn]] void return_by_frame(decouple::UContext *) __attribute__((visibility("hidden")));
[[noreturn]] void return_and_release(decouple::UContext *, decouple::u32 *, decouple::u64 release)
	__attribute__((visibility("hidden")));
[[noreturn]] void return_by_registers(const decouple::SigContext *, const decouple::u8 *) __attribute__((visibility("hidden")));
long interruptible_call(const decouple::u64 call[7], decouple::u32 *interrupted) __attribute__((visibility("hidden")));
extern const char call_begin[] __attribute__((visibility("hidden")));
extern const char call_end[] __attribute__((visibility("hidden")));
extern const char call_skip[] __attribute__((visibility("hidden")));
void module_entry() __attribute__((visibility("hidden")));
[[noreturn]] void module_leave(const decouple::u8 *xsave, decouple::u64 gate, decouple::u64 frame, decouple::u64 how)
	__attribute__((visibility("hidden")));
}

#endif
