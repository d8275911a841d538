/* SPDX-License-Identifier: GPL-2.0-only */
/* Starting the resident's threads in a process. */
#ifndef DECOUPLE_VMM_RESIDENT_START_H
#define DECOUPLE_VMM_RESIDENT_START_H

#include "session.h"

extern "C" {
long start_thread(decouple::u64 flags, decouple::u64 stack_top, decouple::u32 *child_tid, void (*entry)(void *), void *arg)
	__attribute__((visibility("hidden")));
extern char manager_stack_top[] __attribute__((visibility("hidden")));
}

namespace decouple
{

/*
 * Resident threads are threads of the process (KVM takes the process's memory from them), but have a file table and a working directory
 * of their own.
 */
constexpr u64 clone_files = 0x400;
constexpr u64 resident_thread_flags =
	0x100 /* VM */ | 0x800 /* SIGHAND */ | 0x10000 /* THREAD */ | 0x200000 /* CHILD_CLEARTID */;

/* Clones the manager; Control::state says how it goes on. On the home thread. */
long manager_start();
/* Waits until the manager is ready (true) or has failed. */
bool manager_wait_ready();

} // namespace decouple

#endif
