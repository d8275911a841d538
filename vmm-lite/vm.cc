/* SPDX-License-Identifier: GPL-2.0-only */
/* The VM, and what a miss in the guest page tables means; see vm.h. */
#include "vm.h"
#include "cpu_features.h"
#include "proc_maps.h"
#include "session.h"
#include "stub_image.h"
#include "vcpu.h"
#include "wake.h"
#include "decouple/layout.h"

namespace decouple
{

Vm vm;

/* The list of windows lies in the stub area, behind the page tables: the guest has no way to it. */
constexpr u64 window_list_size = 1 << 20, window_list = DECOUPLE_STUB_OFF_VCPUS - window_list_size;

static SetupError map_stub()
{
	long p = map_memory(DECOUPLE_STUB_SIZE, map_shared);
	if (is_error(p))
		return {SetupStep::map_stub, p};
	vm.stub = reinterpret_cast<u8 *>(p);
	sys(__NR_madvise, addr(vm.stub), DECOUPLE_STUB_SIZE, madv_dontfork);
	sys(__NR_madvise, addr(vm.stub), DECOUPLE_STUB_SIZE, madv_dontdump);
	return setup_ok;
}

static void build_idt()
{
	u64 *idt = reinterpret_cast<u64 *>(vm.stub + DECOUPLE_STUB_OFF_IDT);
	for (u64 v = 0; v < 256; v++) {
		u64 offset = v == DECOUPLE_VECTOR_WAKE ? DECOUPLE_TRAP_WAKE : v * DECOUPLE_TRAP_STRIDE;
		u64 handler = DECOUPLE_STUB_VA + DECOUPLE_STUB_OFF_TRAPS + offset;
		u64 dpl = v == 3 || v == 4 || v == 0x80 ? 3 : 0;
		u64 ist = vm.pvm ? 0 : 1; /* the entry uses RSP as scratch at CPL 0; at CPL 3 the switch to RSP0 does */
		idt[2 * v] = (handler & 0xffff) | DECOUPLE_SEL_KCODE << 16 | ist << 32 | (0x8e00 | dpl << 13) << 32 |
			     (handler >> 16 & 0xffff) << 48;
		idt[2 * v + 1] = handler >> 32;
	}
}

/* The pages that all vCPUs share: vector stubs and the IDT that points to them. */
static bool build_shared_pages()
{
	memset(vm.stub, 0, page_size);
	vm.tables.init(vm.stub, DECOUPLE_GPA_STUB, DECOUPLE_STUB_OFF_TABLES, window_list);
	memcpy(vm.stub + DECOUPLE_STUB_OFF_TRAPS, stub_traps, static_cast<u64>(stub_traps_end - stub_traps));
	build_idt();
	bool ok = true;
	for (u64 off = DECOUPLE_STUB_OFF_IDT; off <= DECOUPLE_STUB_OFF_TRAPS + page_size; off += page_size)
		ok = ok && vm.tables.map_page(DECOUPLE_STUB_VA + off, DECOUPLE_GPA_STUB + off, pte::write);
	return ok &&
	       vm.tables.map_page(DECOUPLE_STUB_VA + DECOUPLE_STUB_OFF_APIC, DECOUPLE_GPA_APIC, pte::write | pte::uncached);
}

static u64 physical_limit()
{
	u32 eax = 0x80000008, ebx, ecx = 0, edx;
	asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	u32 bits = eax & 0xff;
	return 1ull << (bits > 46 ? 46 : bits); /* encrypted-memory CPUs take the top bits away */
}

SetupError vm_create()
{
	SetupError stub = map_stub();
	if (failed(stub))
		return stub;
	long maps = maps_open();
	if (maps < 0)
		return {SetupStep::open_maps, maps};
	static const char dev[] = "/dev/kvm";
	long fd = sys(__NR_open, addr(dev), 02 | 02000000 /* O_RDWR | O_CLOEXEC */, 0);
	if (fd < 0)
		return {SetupStep::open_kvm, fd};
	vm.kvm_fd = static_cast<s32>(fd);
	long version = sys(__NR_ioctl, static_cast<u64>(fd), KVM_GET_API_VERSION, 0);
	if (version != KVM_API_VERSION)
		return {SetupStep::api_version, -EINVAL};
	long r = sys(__NR_ioctl, static_cast<u64>(fd), KVM_CREATE_VM, 0);
	if (r < 0)
		return {SetupStep::create_vm, r};
	vm.fd = static_cast<s32>(r);
	sys(__NR_ioctl, static_cast<u64>(vm.fd), KVM_SET_TSS_ADDR, DECOUPLE_TSS_ADDR);
	wake_create_apics();
	/* A spinning guest must not exit on PAUSE. Only before the first vCPU; absent on PVM, which has no such exits. */
	long exits = sys(__NR_ioctl, static_cast<u64>(vm.fd), KVM_CHECK_EXTENSION, KVM_CAP_X86_DISABLE_EXITS);
	if (exits > 0 && (exits & KVM_X86_DISABLE_EXITS_PAUSE)) {
		struct kvm_enable_cap cap = {};
		cap.cap = KVM_CAP_X86_DISABLE_EXITS;
		cap.args[0] = KVM_X86_DISABLE_EXITS_PAUSE;
		sys(__NR_ioctl, static_cast<u64>(vm.fd), KVM_ENABLE_CAP, addr(&cap));
	}
	long slots = sys(__NR_ioctl, static_cast<u64>(vm.fd), KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS);
	vm.windows.init(vm.stub + window_list, window_list_size, slots > 0 ? static_cast<u32>(slots) : 32, DECOUPLE_GPA_MEMORY,
			physical_limit());
	long xsave = sys(__NR_ioctl, static_cast<u64>(vm.fd), KVM_CHECK_EXTENSION, KVM_CAP_XSAVE2);
	vm.xsave_size = xsave > 4096 && xsave <= static_cast<long>(fp_buffer_size) ? static_cast<u32>(xsave) : 4096;
	r = sys(__NR_ioctl, static_cast<u64>(vm.kvm_fd), KVM_GET_VCPU_MMAP_SIZE, 0);
	if (r < 0)
		return {SetupStep::map_run, r};
	vm.run_size = static_cast<u32>(r);
	if ((r = features_read()) < 0)
		return {SetupStep::cpuid, r};
	vm.probed = vm.pvm = false;
	r = set_memslot(0, DECOUPLE_GPA_STUB, DECOUPLE_STUB_SIZE, addr(vm.stub));
	if (r < 0)
		return {SetupStep::stub_memory, r};
	if (!build_shared_pages())
		return {SetupStep::page_tables, -ENOSPC};
	return setup_ok;
}

SetupError vm_after_probe()
{
	vm.windows.shift_most = vm.pvm ? window_shift_shadow : window_shift_hardware;
	build_idt();
	return setup_ok;
}

void vm_destroy()
{
	for (; vm.idle_count; vm.idle_count--) {
		const IdleVcpu &v = vm.idle[vm.idle_count - 1];
		sys(__NR_munmap, addr(v.run), vm.run_size);
		sys(__NR_close, static_cast<u64>(v.fd));
		if (v.stats_fd > 0)
			sys(__NR_close, static_cast<u64>(v.stats_fd));
	}
	maps_close();
	if (vm.fd > 0)
		sys(__NR_close, static_cast<u64>(vm.fd));
	if (vm.kvm_fd > 0)
		sys(__NR_close, static_cast<u64>(vm.kvm_fd));
	vm.fd = vm.kvm_fd = 0;
	if (vm.stub)
		sys(__NR_munmap, addr(vm.stub), DECOUPLE_STUB_SIZE);
	vm.stub = nullptr;
}

static bool map_area_again(u64 va)
{
	u64 area = va & ~(area_size - 1);
	return map_areas(area, area + area_size, vm.tables.area_gpa(va));
}

static u64 prot_at(u64 va)
{
	u64 prot = prot_none;
	for_each_vma([&](const Vma &v) {
		if (va >= v.start && va < v.end)
			prot = v.prot;
		return v.end <= va;
	});
	return prot;
}

bool vm_resolve(u64 va, Access access)
{
	if (va < user_start || va >= user_end)
		return false;
	Locked hold(vm.lock);
	u64 prot = prot_at(va);
	if (prot == prot_none)
		return false;
	if (!vm.tables.has_area(va))
		return vm.windows.add(va);
	/* Already as it should be: another vCPU may have been faster, or Linux must decide. The caller bounds the retries. */
	if (access == Access::fetch) {
		if (!(prot & prot_exec))
			return false;
		return vm.tables.executable(va) || map_area_again(va);
	}
	if (access == Access::write && !(prot & prot_write))
		return false;
	return vm.tables.allows(va, access == Access::write) || map_area_again(va);
}

void vm_device_mapped(u64 start, u64 end)
{
	Locked hold(vm.lock);
	vm.tables.ask_again(start, end > user_end ? user_end : end);
}

bool vm_protection_change_begin(u64 start, u64 end)
{
	if (end > user_end)
		end = user_end;
	if (start >= end)
		return false;
	vm.lock.lock();
	if (vm.tables.forget(start, end))
		return true;
	vm.lock.unlock();
	return false;
}

void vm_protection_change_end(u64 start, u64 end)
{
	/* KVM dropped what the call changed; a translation made from the old entries between begin and the change must not stay. */
	vm.tables.forget(start, end);
	vm.lock.unlock();
}

} // namespace decouple
