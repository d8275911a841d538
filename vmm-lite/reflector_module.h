/* SPDX-License-Identifier: GPL-2.0-only */
/* The module's reflector; what is not explained here is the part of the same name in reflector.h. */
#ifndef DECOUPLE_VMM_REFLECTOR_MODULE_H
#define DECOUPLE_VMM_REFLECTOR_MODULE_H

#include "reflector.h"

namespace decouple::module_reflector
{

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
