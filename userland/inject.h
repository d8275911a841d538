/* SPDX-License-Identifier: GPL-2.0-only */
/* Bringing the resident's image into a process. */
#ifndef DECOUPLE_USERLAND_INJECT_H
#define DECOUPLE_USERLAND_INJECT_H

#include "tracer.h"

namespace decouple {

struct Injection {
	uint64_t image;    /* base address */
	uint64_t control;  /* address of struct Control */
	long stopped_ns;   /* time for which the thread did not run its own code, as far as it can be told from outside */
};

/*
 * Runs the resident's init on a stopped thread and lets the thread go on where it was. `config` is copied to the image, with
 * vdso_farewell filled in. The stop is consumed. On failure the thread goes on as if nothing had happened.
 */
Result<Injection> inject(pid_t pid, pid_t tid, Stopped stopped, const Config &config);

/*
 * To be called before the thread is stopped for inject(): lets an injection end whose controller died.
 */
Result<> wait_bootstrap_free(pid_t pid, pid_t tid);

} // namespace decouple

#endif
