/* SPDX-License-Identifier: GPL-2.0-only */
/* Bringing the resident's image into a process. */
#ifndef DECOUPLE_USERLAND_INJECT_H
#define DECOUPLE_USERLAND_INJECT_H

#include <optional>
#include <vector>

#include "tracer.h"

namespace decouple
{

struct Injection {
	uint64_t image; /* base address */
	uint64_t control; /* address of struct Control */
	uint64_t stopped_ticks; /* TSC ticks for which the thread did not run its own code, from here until init's end */
};

/* What can be made ready while the thread still runs. */
struct InjectionPlan {
	bool by_module;
	uint64_t slack; /* where the bootstrap goes */
	uint64_t base; /* where the image goes */
	ForcedMemory memory; /* where both go */
	std::vector<char> image; /* without its first word, which says that it is complete */
	Config config;
};
/* Before the thread is stopped. Lets an injection end whose controller died. */
Result<InjectionPlan> plan_injection(pid_t pid, pid_t tid, bool by_module);

/*
 * Runs the resident's init on a stopped thread and lets the thread go on where it was. `config` is copied to the image, with
 * its addresses in the slack filled in. The stop is consumed. On failure the thread goes on as if nothing had happened.
 */
Result<Injection> inject(pid_t pid, pid_t tid, Stopped stopped, InjectionPlan plan, const Config &config);

/* The same by the module: the process runs on until one of its threads makes the resident's first call. `held`: a stop that ends meanwhile. */
Result<Injection> inject_by_module(pid_t pid, pid_t tid, std::optional<Stopped> held, InjectionPlan plan, const Config &config);

/*
 * Has a thread unmap an image that has no manager (its set-up failed) and in which nobody is left, and what lies behind it up to the gate's
 * end. The thread goes on where it was. Best effort: an image that stays is inert.
 */
void unmap_image(pid_t pid, pid_t tid, uint64_t base, uint64_t behind);

/*
 * Erases the bootstrap from the vDSO's slack, when the resident is gone; not while a thread may be in it, which those can that decoupled
 * threads have made (`children`). Best effort: the bytes are inert.
 */
void erase_bootstrap(pid_t pid, pid_t tid, bool children);

} // namespace decouple

#endif
