/* SPDX-License-Identifier: GPL-2.0-only */
/* A wire that loses and delays what is sent. */
#ifndef DECOUPLE_HCA_IMPAIRED_WIRE_H
#define DECOUPLE_HCA_IMPAIRED_WIRE_H

#include <memory>

#include "hca-model/knobs.h"
#include "hca-model/packet.h"

namespace decouple::hca
{

/* `wire` itself if the knobs want no such thing. */
std::unique_ptr<Wire> impaired(std::unique_ptr<Wire> wire, const Knobs &knobs);

} // namespace decouple::hca

#endif
