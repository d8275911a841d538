/* SPDX-License-Identifier: GPL-2.0-only */
/* Disturbances in words and as JSON. */
#ifndef DECOUPLE_CLI_CAUSE_H
#define DECOUPLE_CLI_CAUSE_H

#include <nlohmann/json.hpp>

#include <string>

#include "decouple/why.h"

namespace decouple::cli
{

/* The first cause, without what differs from one time to the next (addresses, tasks): "local timer (tick)", "IRQ 24 nvme0q1". */
std::string cause_in_words(const decouple_disturbance &disturbance);
/* All of them, with addresses and tasks, in the order in which they were seen. */
std::string causes_in_words(const decouple_disturbance &disturbance);
nlohmann::ordered_json disturbance_json(const decouple_disturbance &disturbance);

} // namespace decouple::cli

#endif
