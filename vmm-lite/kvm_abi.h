/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * <linux/kvm.h> for C++. The header's flexible arrays are wrapped with an empty struct, which has size 1 in C++ and would change
 * the ioctl numbers: they become zero-length arrays here, as in C.
 */
#ifndef DECOUPLE_VMM_KVM_ABI_H
#define DECOUPLE_VMM_KVM_ABI_H

#include <linux/stddef.h>
#undef __DECLARE_FLEX_ARRAY
#define __DECLARE_FLEX_ARRAY(T, N) T N[0]
#include <linux/kvm.h>

static_assert(_IOC_SIZE(KVM_GET_SUPPORTED_CPUID) == 8);
static_assert(_IOC_SIZE(KVM_SET_MSRS) == 8);

#endif
