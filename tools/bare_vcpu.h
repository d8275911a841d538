/* SPDX-License-Identifier: GPL-2.0-only */
/* What KVM itself takes for a vCPU, before anything of ours is there: the part of a decoupled thread's memory that no design saves. */
#ifndef DECOUPLE_TOOLS_BARE_VCPU_H
#define DECOUPLE_TOOLS_BARE_VCPU_H

#include "meminfo.h"
#include "worker.h"

namespace decouple::bench
{

/* Job: bytes of kernel memory per vCPU that has run one HLT in long mode. arg: address of the KernelMemory that watches the worker. */
int64_t bare_vcpu_bytes(Channel &channel);

} // namespace decouple::bench

#endif
