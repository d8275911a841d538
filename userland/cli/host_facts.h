/* SPDX-License-Identifier: GPL-2.0-only */
/* What this host offers for decoupling, read once. */
#ifndef DECOUPLE_CLI_HOST_FACTS_H
#define DECOUPLE_CLI_HOST_FACTS_H

#include "cli/kvm_facts.h"

namespace decouple::cli
{

struct HostFacts {
	std::string kernel, cpu_model, clock_source;
	KvmFacts kvm;
	bool module_loaded = false; /* kmod-decouple */
	int reserved_signal = 0;
	bool vdso = false;
	std::string ptrace_scope; /* kernel.yama.ptrace_scope; empty: no Yama */
	std::vector<int> allowed_cores;
	std::string online, isolated, nohz_full; /* core lists as Linux prints them */
	std::vector<std::string> sibling_sets; /* SMT siblings among the online cores, more than one each */
};

HostFacts read_host_facts();

/* What costs performance here, a sentence each. */
std::vector<std::string> performance_notes(const HostFacts &facts);

} // namespace decouple::cli

#endif
