/* SPDX-License-Identifier: GPL-2.0-only */
/* Parts of serving a call that the common and the special calls share. All run on the home thread while the slot holds a request. */
#ifndef DECOUPLE_VMM_CALLS_H
#define DECOUPLE_VMM_CALLS_H

#include "call_class.h"
#include "session.h"

namespace decouple
{

/* Number and six arguments, as they are. */
long call_execute(const u64 call[7]);
/* Answers the call; a signal that is pending now is handled before the call returns. */
void call_finish(Session *s, long ret);
/* Answers a call whose vCPU was paused, with the state as it is in session->guest. */
void call_replace(Session *s, long ret);

void call_serve_special(Session *s, CallClass c, const u64 call[7]);

/* Result of a call in a child that shares the memory and then ends; or the error of making the child. */
long call_try_in_child(Session *s, const u64 call[7]);
/* spawn.cc: clone, fork, vfork, clone3. */
void call_spawn(Session *s, const u64 call[7]);
/* Have all threads and processes that share this memory, made by the session's thread, left the resident's code and stacks for good? */
bool children_left(const Session *s);

} // namespace decouple

#endif
