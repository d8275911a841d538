/* SPDX-License-Identifier: GPL-2.0-only */
/* What /dev/kvm offers. */
#ifndef DECOUPLE_CLI_KVM_FACTS_H
#define DECOUPLE_CLI_KVM_FACTS_H

#include <string>
#include <vector>

namespace decouple::cli
{

struct Capability {
	const char *name;
	bool required; /* otherwise used where it is there */
	const char *purpose;
	int value; /* of KVM_CHECK_EXTENSION; 0: absent */
};

struct KvmFacts {
	bool present = false; /* /dev/kvm exists */
	bool permitted = false; /* and opens */
	std::string error; /* why it does not */
	std::string kind = "unknown"; /* or pvm, svm, vmx */
	int api_version = 0;
	std::vector<Capability> capabilities;
};

KvmFacts read_kvm_facts();

} // namespace decouple::cli

#endif
