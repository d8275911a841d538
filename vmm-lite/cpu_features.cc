/* SPDX-License-Identifier: GPL-2.0-only */
/* CPUID table and XCR0; see cpu_features.h. Leaves: SDM vol. 2, CPUID; APM vol. 3, appendix E. */
#include "cpu_features.h"
#include "vm.h"

namespace decouple
{

constexpr u32 leaf_xstate = 0xd;
/* One entry for each level from the core upwards; the first one of type 0 is behind the last. */
constexpr u32 topology_leaves[] = {0xb, 0x1f, 0x80000026};

static u64 host_xcr0()
{
	u32 lo, hi;
	asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return lo | static_cast<u64>(hi) << 32;
}

static void fill_from_host(struct kvm_cpuid_entry2 &x)
{
	CpuidRegs r = cpuid(x.function, x.index);
	x.eax = r.eax, x.ebx = r.ebx, x.ecx = r.ecx, x.edx = r.edx;
}

static bool has_entry(u32 leaf, u32 subleaf)
{
	for (u32 i = 0; i < vm.cpuid.head.nent; i++)
		if (vm.cpuid.entry[i].function == leaf && vm.cpuid.entry[i].index == subleaf)
			return true;
	return false;
}

/* KVM leaves the levels out since Linux 6.2 (arch/x86/kvm/cpuid.c: __do_cpuid_func). Not there at all: the CPU has no such leaf. */
static void add_topology(u32 leaf)
{
	if (!has_entry(leaf, 0))
		return;
	for (u32 level = 1; level < 8 && vm.cpuid.head.nent < max_cpuid_entries; level++) {
		constexpr u32 type_mask = 0xff00;
		if (has_entry(leaf, level))
			continue;
		if (!(cpuid(leaf, level).ecx & type_mask))
			return;
		struct kvm_cpuid_entry2 &x = vm.cpuid.entry[vm.cpuid.head.nent++];
		x = {};
		x.function = leaf;
		x.index = level;
		x.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
	}
}

long features_read()
{
	/* Else KVM hides AMX (Documentation/arch/x86/xstate.rst). Where it is refused, features_set_xcr0() finds out. */
	constexpr u64 arch_req_xcomp_guest_perm = 0x1025, tile_data = 18;
	if (has_xsave() && (host_xcr0() >> tile_data & 1))
		sys(__NR_arch_prctl, arch_req_xcomp_guest_perm, tile_data);
	vm.cpuid.head.nent = max_cpuid_entries;
	long e = sys(__NR_ioctl, static_cast<u64>(vm.kvm_fd), KVM_GET_SUPPORTED_CPUID, addr(&vm.cpuid));
	if (e < 0)
		return e;
	for (u32 leaf : topology_leaves)
		add_topology(leaf);
	for (u32 i = 0; i < vm.cpuid.head.nent; i++)
		fill_from_host(vm.cpuid.entry[i]);
	return 0;
}

/* Leaves with APIC ids. */
static bool tells_core(u32 leaf)
{
	for (u32 topology : topology_leaves)
		if (leaf == topology)
			return true;
	return leaf == 1 || leaf == 0x8000001e;
}

long features_set_cpuid(const Session *s)
{
	CpuidTable own = vm.cpuid;
	for (u32 i = 0; i < own.head.nent; i++)
		if (tells_core(own.entry[i].function))
			fill_from_host(own.entry[i]);
	return sys(__NR_ioctl, static_cast<u64>(s->vcpu_fd), KVM_SET_CPUID2, addr(&own));
}

long features_set_xcr0(const Session *s)
{
	struct kvm_xcrs x = {};
	x.nr_xcrs = 1;
	x.xcrs[0].value = host_xcr0();
	long e = sys(__NR_ioctl, static_cast<u64>(s->vcpu_fd), KVM_SET_XCRS, addr(&x));
	if (e < 0)
		return e == -EINVAL ? -EOPNOTSUPP : e;
	vm.xsave.components = x.xcrs[0].value;
	for (u32 i = 2; i < 63; i++)
		if (vm.xsave.components >> i & 1) {
			CpuidRegs r = cpuid(leaf_xstate, i);
			vm.xsave.size[i] = r.eax;
			vm.xsave.offset[i] = r.ebx;
		}
	return 0;
}

} // namespace decouple
