/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a reflector does for the gate: take a thread out of native execution, let it go, wait, wake. Everything above (gate, calls,
 * signals, spawn) is the same for the signal reflector and the module. The signal reflector's capture is signal 64.
 */
#ifndef DECOUPLE_VMM_REFLECTOR_H
#define DECOUPLE_VMM_REFLECTOR_H

#include "session.h"

namespace decouple
{

/* What ended reflector_sleep(). */
enum class Wake { doorbell, signal };

/* capture: armed for a thread that runs natively; from any resident thread. The thread enters gate_enter() as soon as it can. */
void reflector_capture(Session *s);
/* The home thread found a permission claimed: takes the signal that is on its way. */
void reflector_take_claimed(Session *s);
/* Wakes a resident thread that waits for signals. False: the user's signal queue is full (RLIMIT_SIGPENDING). */
bool reflector_signal_thread(s32 tid);
/* The same without the queue, for a thread that has the reserved signal unblocked as long as *waits is set; to be repeated while it is. */
void reflector_nudge(s32 tid, const u32 *waits);
/* Captures the calling thread as soon as it unblocks. */
void reflector_signal_self();
/* Puts a signal that the home thread took back into its own queue, with its siginfo: it must not get lost. */
void reflector_requeue(Session *s, const SigInfo &info);
/* Undo what a capture needed in the process (signal action, masks) when the last session is gone. */
void reflector_release();
/* Prepares the process for captures; -EBUSY: the application uses the mechanism itself. On the first injected thread. */
long reflector_prepare();
/*
 * While threads are decoupled, no action's sa_mask may block the reserved signal. From the first capture to the last leave, so that native
 * code never sees a difference; forget: what was restored is the application's again.
 */
void reflector_strip_masks();
void reflector_restore_masks();
void reflector_forget_masks();
/* Is the mechanism still ours? The application may have replaced the signal action. */
bool reflector_intact();

/* wait: the home thread sleeps until its doorbell rings or an application signal that `mask` lets through is pending. */
Wake reflector_sleep(Session *s, u64 mask);
/* Rings the home thread's doorbell if it sleeps (claims slot->home_asleep). Any thread. */
void reflector_wake_home(Session *s);
/* Interrupts the home thread's interruptible call, if it is in one (claims call_claim). Any thread. */
bool reflector_interrupt_call(Session *s);

/*
 * complete: executes call[0..6] on the home thread such that reflector_interrupt_call() can interrupt it. False: interrupted or not begun,
 * and *restart says whether the call is restartable (else it failed with EINTR); true: *result is its result.
 */
bool reflector_call(Session *s, const u64 call[7], u64 mask, long *result, bool *restart);

/*
 * As above for a call whose own signal mask lets only the reserved signal through. `signal`: an application signal waits already, and the
 * kernel decides whether the call is over before it looks at signals.
 */
bool reflector_call_masked(Session *s, const u64 call[7], u64 mask, bool signal, long *result);

/*
 * deliver / release: the thread goes on natively with session->context; all of its registers were put there. With recapture, it is
 * captured at its next instruction in user mode, after the kernel has delivered what is pending.
 */
[[noreturn]] void reflector_return(Session *s, bool recapture);

/* As above for a frame of the application's own, with recapture: the kernel restores it (rt_sigreturn). */
[[noreturn]] void reflector_return_to(Session *s, UContext *frame);

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
[[noreturn]] void return_and_release(decouple::UContext *, decouple::u32 *) __attribute__((visibility("hidden")));
[[noreturn]] void return_by_registers(const decouple::SigContext *, const decouple::u8 *) __attribute__((visibility("hidden")));
long interruptible_call(const decouple::u64 call[7], decouple::u32 *interrupted) __attribute__((visibility("hidden")));
extern const char call_begin[] __attribute__((visibility("hidden")));
extern const char call_end[] __attribute__((visibility("hidden")));
extern const char call_skip[] __attribute__((visibility("hidden")));
}

#endif
