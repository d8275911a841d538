/* SPDX-License-Identifier: GPL-2.0-only */
/* A function that is bound to vfio-pci. */
#ifndef DECOUPLE_FUNCTION_VFIO_ACCESS_H
#define DECOUPLE_FUNCTION_VFIO_ACCESS_H

#include <memory>
#include <string>

#include "function/access.h"

namespace decouple
{

/* The one with this address ("0000:3b:00.1"), which is this process's alone as long as the Access lives. */
Result<std::unique_ptr<Access>> open_vfio(const std::string &bdf);

} // namespace decouple

#endif
