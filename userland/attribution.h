/* SPDX-License-Identifier: GPL-2.0-only */
/* Attribution by the module: the disturbances of decoupled threads, as records of decouple/why.h. */
#ifndef DECOUPLE_USERLAND_ATTRIBUTION_H
#define DECOUPLE_USERLAND_ATTRIBUTION_H

#include <vector>

#include "base/result.h"
#include "decouple/uapi.h"
#include "decouple/why.h"
#include "module.h"

namespace decouple
{

/* On as long as it lives. */
class Attribution
{
public:
	/*
	 * Of one process, or of all (0). Errors: ENODEV no module or no KVM; EPERM, EACCES with what to do; ENOENT the module has decoupled
	 * no thread of the process; ESRCH.
	 */
	static Result<Attribution> open(pid_t pid);

	/* All that has come since the last call, in the order of time; to be called at least every 50 ms where nothing may be lost. */
	Result<std::vector<decouple_disturbance>> read() const;
	Result<decouple_why_counts> counts() const;

private:
	explicit Attribution(Module module) : module_(std::move(module)) {}
	Module module_;
};

} // namespace decouple

#endif
