/* SPDX-License-Identifier: GPL-2.0-only */
/* The model as a function of this process. */
#ifndef DECOUPLE_FUNCTION_MODEL_ACCESS_H
#define DECOUPLE_FUNCTION_MODEL_ACCESS_H

#include <memory>

#include "function/access.h"

namespace decouple
{

/* Starts a device on the fabric that the knobs in the environment name; see hca-model/knobs.h. */
Result<std::unique_ptr<Access>> open_model();

} // namespace decouple

#endif
