/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * FWQ, fixed work quantum (LLNL): the same amount of work again and again; how long does each take?
 *
 * Quanta follow each other without a break: the end of one is the beginning of the next, so no disturbance falls between them.
 */
#ifndef DECOUPLE_TOOLS_FWQ_H
#define DECOUPLE_TOOLS_FWQ_H

#include <functional>
#include <span>

#include "noise_job.h"
#include "series.h"

namespace decouple::noise
{

/* arg: steps of work in a quantum. Samples: readings of the clock, one more than there are quanta. */
int64_t fwq_job(Channel &channel);

/* Appends a round. */
void append_fwq(Series &series, std::span<const uint64_t> readings, const Timebase &timebase);

/*
 * Steps of work that take `quantum_ns` undisturbed. run(steps): the shortest of some quanta of that many steps, in ns. The shortest is what
 * the work itself takes, for a disturbance only adds.
 */
Result<uint64_t> calibrate_fwq(double quantum_ns, const std::function<Result<double>(uint64_t steps)> &run);

} // namespace decouple::noise

#endif
