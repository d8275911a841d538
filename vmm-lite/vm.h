/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The process's VM: one per process, whatever the number of decoupled threads. Guest memory is the process's own: windows (memslots)
 * over its address space, added when the guest first touches them. Owned by the manager; windows and page tables are changed by vCPU
 * threads and home threads under `lock`.
 */
#ifndef DECOUPLE_VMM_VM_H
#define DECOUPLE_VMM_VM_H

#include "lock.h"
#include "page_table.h"
#include "setup_step.h"
#include "state.h"
#include "kvm_abi.h"
#include "windows.h"

namespace decouple
{

struct SetupError {
	SetupStep step;
	long error; /* -errno */
};
inline bool failed(const SetupError &e)
{
	return e.step != SetupStep::none;
}
constexpr SetupError setup_ok = {SetupStep::none, 0};

constexpr u32 max_cpuid_entries = 192;
struct CpuidTable {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entry[max_cpuid_entries];
};

/* A vCPU of a session that is over. Its CPUID names its core for good (KVM_SET_CPUID2 behind KVM_RUN), and its id can't be had again. */
struct IdleVcpu {
	s32 fd, stats_fd; /* 0: KVM has no statistics */
	u32 core, id;
	struct kvm_run *run;
};
constexpr u32 max_idle_vcpus = 256;

struct Vm {
	s32 kvm_fd, fd;
	u8 *stub; /* the stub area; shared anonymous memory, not inherited by children */
	bool pvm; /* SYSCALL stays at CPL 3 and shadow paging costs memory per window: windows are small */
	bool probed;
	bool apics; /* local APICs in the kernel; see wake.h */
	u32 routed; /* vCPUs that have an interrupt line; under lock */
	Windows windows;
	u64 cr4;
	XsaveLayout xsave;
	u32 run_size, xsave_size;
	u32 next_vcpu_id;
	u32 idle_count;
	IdleVcpu idle[max_idle_vcpus]; /* under lock */
	CpuidTable cpuid; /* for all vCPUs, but for the leaves that name the core */
	PageTable tables;
	Mutex lock;
	Mutex stats_lock; /* sessions' stats_fd, against the end of their vCPU while the manager reads it */
};
extern Vm vm;

/* Maps the stub area and creates the VM; on the manager, in its own fd table. vm_destroy() undoes it, also half of it. */
SetupError vm_create();
/* What depends on the kind of KVM, once vcpu_probe() knows it. */
SetupError vm_after_probe();
/* Closes the VM and unmaps the stub area. */
void vm_destroy();

constexpr u64 user_start = 0x10000;
constexpr u64 user_end = 0x7ffffffff000;

/*
 * A guest access to `va` missed in the guest page tables. Adds the window, or brings the area's executable and device pages up to date.
 * False: nothing that could be added; the access is Linux's to judge.
 */
enum class Access { read, write, fetch };
bool vm_resolve(u64 va, Access access);

/* The process has mapped a device at [start, end), or moved one there: the next access finds out what there is. */
void vm_device_mapped(u64 start, u64 end);

/*
 * Brackets a system call that changes the mapping or protection of [start, end): pages that are executable or a device's in the guest must
 * be looked up again. begin() says whether the range matters; only then is the lock held until end().
 */
bool vm_protection_change_begin(u64 start, u64 end);
void vm_protection_change_end(u64 start, u64 end);

} // namespace decouple

#endif
