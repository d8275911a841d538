/* SPDX-License-Identifier: GPL-2.0-only */
/* /dev/kvm: is it there, may we, which kind, which capabilities. */
#include "cli/kvm_facts.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstring>

namespace decouple::cli
{
namespace
{

struct Entry {
	long number;
	Capability capability;
};

const Entry entries[] = {
	{KVM_CAP_USER_MEMORY, {"KVM_CAP_USER_MEMORY", true, "the process's memory as guest memory", 0}},
	{KVM_CAP_NR_MEMSLOTS, {"KVM_CAP_NR_MEMSLOTS", true, "windows on that memory", 0}},
	{KVM_CAP_EXT_CPUID, {"KVM_CAP_EXT_CPUID", true, "CPUID as the host shows it", 0}},
	{KVM_CAP_XSAVE, {"KVM_CAP_XSAVE", true, "vector registers", 0}},
	{KVM_CAP_XCRS, {"KVM_CAP_XCRS", true, "vector registers wider than SSE", 0}},
	{KVM_CAP_IMMEDIATE_EXIT, {"KVM_CAP_IMMEDIATE_EXIT", true, "pausing a vCPU without a race", 0}},
	{KVM_CAP_VCPU_ATTRIBUTES, {"KVM_CAP_VCPU_ATTRIBUTES", true, "the host's TSC in the guest: exact vDSO time", 0}},
	{KVM_CAP_XSAVE2, {"KVM_CAP_XSAVE2", false, "vector states above 4 KiB (AMX)", 0}},
	{KVM_CAP_SYNC_REGS, {"KVM_CAP_SYNC_REGS", true, "registers without system calls", 0}},
	{KVM_CAP_X86_DISABLE_EXITS, {"KVM_CAP_X86_DISABLE_EXITS", false, "spinning without pause-loop exits", 0}},
};

/* KVM has no call that tells its kind. At most one vendor module can be active; PVM runs beside a loaded kvm_amd or kvm_intel. */
std::string kind()
{
	const struct {
		const char *path, *kind;
	} modules[] = {{"/sys/module/kvm_pvm", "pvm"}, {"/sys/module/kvm_amd", "svm"}, {"/sys/module/kvm_intel", "vmx"}};
	for (const auto &module : modules)
		if (!access(module.path, F_OK))
			return module.kind;
	return "unknown";
}

} // namespace

KvmFacts read_kvm_facts()
{
	KvmFacts facts;
	facts.present = !access("/dev/kvm", F_OK);
	for (const Entry &entry : entries)
		facts.capabilities.push_back(entry.capability);
	const int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		facts.error = std::string("cannot open /dev/kvm: ") + std::strerror(errno);
		return facts;
	}
	facts.permitted = true;
	facts.kind = kind();
	facts.api_version = ioctl(fd, KVM_GET_API_VERSION, 0);
	for (size_t i = 0; i < std::size(entries); i++) {
		const int value = ioctl(fd, KVM_CHECK_EXTENSION, entries[i].number);
		facts.capabilities[i].value = value > 0 ? value : 0;
	}
	close(fd);
	return facts;
}

} // namespace decouple::cli
