/* SPDX-License-Identifier: GPL-2.0-only */
/* KVM's statistics file of a vCPU (Linux, Documentation/virt/kvm/api.rst: KVM_GET_STATS_FD), as the resident leaves it in struct KvmStats. */
#ifndef DECOUPLE_USERLAND_KVM_STATS_H
#define DECOUPLE_USERLAND_KVM_STATS_H

#include <cstdint>
#include <string>
#include <vector>

#include "vmm-lite/resident.h"

namespace decouple
{

/* One figure, by the name that KVM gives it. */
struct KvmFigure {
	std::string name;
	uint64_t value; /* a cumulative one counts from the begin of the session */
};

/*
 * Those that are not 0, in KVM's order; without histograms. The process could have written anything there: what is not well-formed is left
 * out.
 */
std::vector<KvmFigure> kvm_figures(const KvmStats &stats);

/* 0 if there is none of that name. */
uint64_t kvm_figure(const std::vector<KvmFigure> &figures, const char *name);

} // namespace decouple

#endif
