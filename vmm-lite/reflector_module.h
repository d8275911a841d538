/* SPDX-License-Identifier: GPL-2.0-only */
/* The module's reflector; what is not explained here is the part of the same name in reflector.h. */
#ifndef DECOUPLE_VMM_REFLECTOR_MODULE_H
#define DECOUPLE_VMM_REFLECTOR_MODULE_H

#include "reflector.h"

struct decouple_event_set_up;
struct decouple_event_wait;

namespace decouple::module_reflector
{

bool unfetched(Session *s);
/* Gate call DECOUPLE_GATE_WAKE_VCPU. */
void wake_vcpu(const Session *s);
/* Gate calls DECOUPLE_GATE_EVENTS, and DECOUPLE_GATE_EVENT as reflector_call() would execute it. */
long events(const Session *s, const decouple_event_set_up *set_up);
bool event(Session *s, const decouple_event_wait *wait, u64 mask, long *result, CallEnd *how);

/* Completes session->info.handover, and what a capture in a restartable sequence means. */
void first_capture(Session *s);
long add(Session *s);
void remove(Session *s);
bool left(Session *s);
long vcpu(Session *s);
long core(Session *s);
void vcpu_end(Session *s);
void capture(Session *s);
void capture_self();
bool kick(Session *s);
Reason manager_wait(const TimeSpec *longest);
void manager_wake();
Wake sleep(Session *s, u64 mask);
void wake_home(Session *s);
bool interrupt_call(Session *s);
bool signal_possible(Session *s);
bool call(Session *s, const u64 call[7], u64 mask, long *result, CallEnd *end);
bool call_masked(Session *s, const u64 call[7], u64 mask, bool signal, long *result);
[[noreturn]] void leave(Session *s, Return how);

} // namespace decouple::module_reflector

#endif
