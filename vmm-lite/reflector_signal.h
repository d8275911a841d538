/* SPDX-License-Identifier: GPL-2.0-only */
/* The signal reflector; what is not explained here is the part of the same name in reflector.h. */
#ifndef DECOUPLE_VMM_REFLECTOR_SIGNAL_H
#define DECOUPLE_VMM_REFLECTOR_SIGNAL_H

#include "reflector.h"

namespace decouple::signal_reflector
{

long prepare();
void release();
/* Is the mechanism still ours? The application may have replaced the signal action. */
bool intact();
void capture(Session *s);
bool kick(Session *s);
Wake sleep(Session *s, u64 mask);
void wake_home(Session *s);
bool interrupt_call(Session *s);
/* The home thread found a permission claimed: takes the signal that is on its way. */
void take_claimed(Session *s);
bool call(Session *s, const u64 call[7], u64 mask, long *result, CallEnd *end);
bool call_masked(Session *s, const u64 call[7], u64 mask, bool signal, long *result);
[[noreturn]] void leave(Session *s, Return how);
[[noreturn]] void leave_by_frame(Session *s, UContext *frame);

/* Wakes a resident thread that waits for signals. False: the user's signal queue is full (RLIMIT_SIGPENDING). */
bool send(s32 tid);
/* The same without the queue, for a thread that has the reserved signal unblocked as long as *waits is set; to be repeated while it is. */
void nudge(s32 tid, const u32 *waits);
/* Captures the calling thread as soon as it unblocks. */
void send_self();
/* Puts a signal that the home thread took back into its own queue, with its siginfo: it must not get lost. */
void requeue(Session *s, const SigInfo &info);

/*
 * While threads are decoupled, no action's sa_mask may block the reserved signal. From the first capture to the last leave, so that native
 * code never sees a difference; forget: what was restored is the application's again.
 */
void strip_masks();
void restore_masks();
void forget_masks();
void filter_action(int signal, SigAction *to_kernel);
void unfilter_action(int signal, SigAction *to_app);
bool action_blocks_reserved(int signal);
void spare_altstack(Session *s, u64 signals);

} // namespace decouple::signal_reflector

#endif
