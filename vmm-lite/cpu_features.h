/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the processor can do, for the guest: CPUID and XCR0 as the host's programs see them. A program must see no change when it is
 * decoupled or recoupled: it has chosen its code and the sizes of its save areas long ago.
 */
#ifndef DECOUPLE_VMM_CPU_FEATURES_H
#define DECOUPLE_VMM_CPU_FEATURES_H

#include "session.h"

namespace decouple
{

struct CpuidRegs {
	u32 eax, ebx, ecx, edx;
};
inline CpuidRegs cpuid(u32 leaf, u32 subleaf)
{
	CpuidRegs r;
	asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
	return r;
}

/* OSXSAVE: the CPU has XSAVE, and the host's kernel uses it. */
inline bool has_xsave()
{
	return cpuid(1, 0).ecx >> 27 & 1;
}

/*
 * vm.cpuid: every leaf that KVM can answer gets what the instruction answers here and now. Before the first vCPU. Returns 0 or -errno.
 */
long features_read();
/* KVM_SET_CPUID2; the leaves that tell one core from another are those of the core that the caller runs on. Returns 0 or -errno. */
long features_set_cpuid(const Session *s);
/* XCR0, and with it vm.xsave. -EOPNOTSUPP: KVM lacks a component that the host has. CR4.OSXSAVE must be set. */
long features_set_xcr0(const Session *s);

} // namespace decouple

#endif
