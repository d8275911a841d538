/* SPDX-License-Identifier: GPL-2.0-only */
/* The part of /sys by which libibverbs finds a device, as a directory of plain files. */
#ifndef DECOUPLE_VERBS_SYSFS_H
#define DECOUPLE_VERBS_SYSFS_H

#include <string>

#include "base/result.h"

namespace decouple::verbs
{

/* Major and minor number of the first verbs device of a kernel. */
constexpr unsigned device_major = 231, device_minor = 192;

/* Below `root`, which is made. */
Result<> make_sysfs(const std::string &root);
/* The GID of the port, once it is known. */
Result<> write_gid(const std::string &root, uint64_t guid);

} // namespace decouple::verbs

#endif
