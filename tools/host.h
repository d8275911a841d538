/* SPDX-License-Identifier: GPL-2.0-only */
/* What a figure must be read with: the machine, its kernel, its KVM, and how the bench was placed on it. */
#ifndef DECOUPLE_TOOLS_HOST_H
#define DECOUPLE_TOOLS_HOST_H

#include <string>

#include "placement.h"

namespace decouple::bench
{

struct Host {
	std::string cpu, kernel;
	std::string kvm; /* vmx, svm, pvm, or none */
	std::string isolated; /* the kernel's list of isolated cores; empty: none */
	std::string date; /* UTC, ISO 8601 */
	CorePair cores;
	bool rt; /* the measuring sides had SCHED_RR */
	double tsc_mhz, timer_ns;
	double load; /* load average over a minute, before the bench began */
};

/* Is a program of that name in PATH? */
bool installed(const std::string &program);

Host read_host(CorePair cores, bool rt);

} // namespace decouple::bench

#endif
