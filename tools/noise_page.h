/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of the report that are text and tables. */
#ifndef DECOUPLE_TOOLS_NOISE_PAGE_H
#define DECOUPLE_TOOLS_NOISE_PAGE_H

#include <ostream>

#include "noise_result.h"

namespace decouple::noise
{

/* A variant's name with its colour. */
std::string key_of(const std::string &variant);

/* Title, verdict, the sentence that says it all, the figures that most people want. */
void write_head(std::ostream &out, const NoiseResult &result);
/* Notes, all figures, the host, how to read it. */
void write_details(std::ostream &out, const NoiseResult &result);

} // namespace decouple::noise

#endif
