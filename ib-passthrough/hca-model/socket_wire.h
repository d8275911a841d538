/* SPDX-License-Identifier: GPL-2.0-only */
/* A wire between processes: Unix sockets in the abstract name space, one name per LID. */
#ifndef DECOUPLE_HCA_SOCKET_WIRE_H
#define DECOUPLE_HCA_SOCKET_WIRE_H

#include <memory>

#include "base/result.h"
#include "hca-model/knobs.h"
#include "hca-model/packet.h"

namespace decouple::hca
{

/* On the fabric that the knobs name, with the first LID that is free unless they name one; with their losses and delays. */
Result<std::unique_ptr<Wire>> open_wire(const Knobs &knobs);

} // namespace decouple::hca

#endif
