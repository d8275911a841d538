// SPDX-License-Identifier: GPL-2.0-only
// A VM of eight vCPUs, each of which runs one HLT in long mode.

#include "bare_vcpu.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <memory>

namespace decouple::bench
{

namespace
{

constexpr unsigned vcpus = 8;
constexpr size_t page = 4096, memory_size = 16 * page, stack_top = memory_size;
constexpr unsigned long tss_address = 0xfffbd000; // three pages that Intel's KVM wants below 4 GiB, outside of all memory
constexpr uint8_t hlt = 0xf4;

struct File {
	int fd;
	~File() { close(fd); }
};

// Pages 1 to 3 map the first 2 MiB one to one (SDM vol. 3, 4.5): present, writable; the last entry is a large page.
void fill(uint8_t *memory)
{
	const uint64_t entries[] = {2 * page | 3, 3 * page | 3, 0x83};
	memory[0] = hlt;
	for (size_t i = 0; i < std::size(entries); i++)
		memcpy(memory + (i + 1) * page, &entries[i], sizeof(entries[i]));
}

// As <linux/kvm.h> has it in C; to C++ its array without a length has one.
struct Cpuid {
	uint32_t count, padding;
	kvm_cpuid_entry2 entries[256];
};
constexpr unsigned long get_supported_cpuid = _IOWR(KVMIO, 0x05, uint64_t), set_cpuid2 = _IOW(KVMIO, 0x90, uint64_t);

// Without a CPUID that has it, some kernels refuse long mode.
bool set_cpuid(int kvm, int vcpu)
{
	auto cpuid = std::make_unique<Cpuid>();
	cpuid->count = std::size(cpuid->entries);
	return !ioctl(kvm, get_supported_cpuid, cpuid.get()) && !ioctl(vcpu, set_cpuid2, cpuid.get());
}

bool enter_long_mode(int vcpu)
{
	kvm_sregs s;
	if (ioctl(vcpu, KVM_GET_SREGS, &s))
		return false;
	kvm_segment code = {};
	code.limit = 0xffffffff, code.selector = 8, code.type = 11, code.present = 1, code.s = 1, code.l = 1, code.g = 1;
	kvm_segment data = code;
	data.selector = 16, data.type = 3, data.l = 0, data.db = 1;
	s.cs = code;
	s.ds = s.es = s.fs = s.gs = s.ss = data;
	s.cr3 = page;
	s.cr4 = 0x20; // PAE
	s.cr0 = 0x80050033; // PG AM WP NE ET MP PE
	s.efer = 0x500; // LMA LME
	kvm_regs r = {};
	r.rsp = stack_top;
	r.rflags = 2;
	return !ioctl(vcpu, KVM_SET_SREGS, &s) && !ioctl(vcpu, KVM_SET_REGS, &r);
}

} // namespace

int64_t bare_vcpu_bytes(Channel &channel)
{
	const auto *memory = reinterpret_cast<const KernelMemory *>(channel.arg);
	File kvm{open("/dev/kvm", O_RDWR | O_CLOEXEC)};
	File vm{kvm.fd < 0 ? -1 : ioctl(kvm.fd, KVM_CREATE_VM, 0)};
	if (vm.fd < 0)
		return -errno;
	ioctl(vm.fd, KVM_SET_TSS_ADDR, tss_address); // not there and not needed on AMD
	void *ram = mmap(nullptr, memory_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (ram == MAP_FAILED)
		return -errno;
	fill(static_cast<uint8_t *>(ram));
	kvm_userspace_memory_region region = {0, 0, 0, memory_size, reinterpret_cast<uint64_t>(ram)};
	if (ioctl(vm.fd, KVM_SET_USER_MEMORY_REGION, &region))
		return -errno;
	std::array<int, 1 + vcpus> fds;
	double before = 0;
	// The first one also builds what all share.
	for (unsigned i = 0; i <= vcpus; i++) {
		if (i == 1)
			before = memory->kib();
		fds[i] = ioctl(vm.fd, KVM_CREATE_VCPU, i);
		if (fds[i] < 0 || !set_cpuid(kvm.fd, fds[i]) || !enter_long_mode(fds[i]) || ioctl(fds[i], KVM_RUN, 0))
			return -errno;
	}
	double after = memory->kib();
	for (int fd : fds)
		close(fd);
	munmap(ram, memory_size);
	return int64_t((after - before) * 1024 / vcpus);
}

} // namespace decouple::bench
