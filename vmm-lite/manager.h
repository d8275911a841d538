/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The manager: the resident's own thread in the process. It owns the VM and the fd table that all resident threads share, makes and
 * ends sessions, and serves the controller's mailbox. It sleeps unless asked; it is never on the path of a call.
 */
#ifndef DECOUPLE_VMM_MANAGER_H
#define DECOUPLE_VMM_MANAGER_H

#include "session.h"

namespace decouple
{

u64 manager_tsc_per_us();
s64 manager_now_ns(); /* monotonic, raw */

/* Wakes the manager to look for requests and for sessions that have ended. Any thread. */
void manager_poke();
/* Is something waiting that manager_poke() was called for? */
bool manager_has_work();
/* Does a controller wait for what the manager does now? Any thread. */
bool manager_is_awaited();
/* A new thread of the application shall be decoupled (follow); fs_base: where its rseq area follows from. */
void manager_adopt(s32 tid, u64 fs_base, const Session *parent);
/*
 * In a forked child (follow): builds a resident of its own and has the calling thread, which goes on as the record says, captured as soon as
 * it is ready. With the module's reflector, if the parent has that (`gate`: where its gate is, or 0) and the module lets the child, it does
 * not return.
 */
void manager_start_in_child(ChildRecord *record, u64 gate);
/* All sessions but this one go native; returns when they have, or after a second. */
void manager_recouple_others(Session *s);
/* Tells the controller named in Config::follow_socket what the calling process does, and waits until it watches. */
void manager_announce(FollowNews news);
/*
 * Would this execve give the caller other rights (set-user-ID, set-group-ID, file capabilities)? Not under a tracer that has not more than
 * he; so it must not be announced.
 */
bool manager_exec_gains_rights(const u64 call[7]);

/* Why a thread that is to be recoupled is. */
Reason manager_recouple_reason();

u32 manager_active_sessions();
/* Threads of the process beside the caller. */
bool manager_other_threads();
/*
 * A debugger waits for the main thread: when that is the last to leave, vCPU threads and VM end before it, for at most a second. The VM has a
 * thread of its own (KVM's recovery of huge pages, from Linux 6.12 on), and if the debugger stopped that, its end would wait for it.
 */
void manager_end_vm(Session *s);
/* Ends manager and vCPU thread of the only session, and starts them again; the home thread waits. */
void manager_suspend(Session *s);
long manager_resume(Session *s);

/* A round trip's duration, for the controller (Command::bench_round_trips). */
void manager_sample(u64 ticks);

/* Drops what a forked child inherited: sessions, VM, statistics. In the child only. */
void resident_forget();

/* Entry of the vCPU thread; run.cc. */
[[noreturn]] void vcpu_thread(void *session);

} // namespace decouple

#endif
