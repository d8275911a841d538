/* SPDX-License-Identifier: GPL-2.0-only */
/* vCPU set-up and state transfer; see vcpu.h. */
#include "vcpu.h"
#include "cpu_features.h"
#include "exchange.h"
#include "kvm_stats.h"
#include "reflector.h"
#include "stub_image.h"
#include "wake.h"
#include "decouple/layout.h"
#include <initializer_list>

namespace decouple
{

static long vcpu_ioctl(Session *s, u64 request, const void *arg)
{
	return sys(__NR_ioctl, static_cast<u64>(s->vcpu_fd), request, addr(arg));
}

StubView stub_view(const Session *s)
{
	auto at = [&](const char *label) { return s->block_va + static_cast<u64>(label - stub_entry); };
	StubView v = {};
	v.entry = at(stub_entry);
	v.rsp_saved = at(stub_entry_rsp_saved);
	v.rax_gone = at(stub_entry_rax_gone);
	v.published = at(stub_entry_published);
	v.entry_end = at(stub_entry_end);
	v.traps = DECOUPLE_STUB_VA + DECOUPLE_STUB_OFF_TRAPS;
	v.iret = v.traps + DECOUPLE_TRAP_IRET;
	v.wake = v.traps + DECOUPLE_TRAP_WAKE;
	v.traps_end = v.traps + static_cast<u64>(stub_traps_end - stub_traps);
	v.stack = s->block + DECOUPLE_VCPU_OFF_STACK;
	v.stack_va = s->block_va + DECOUPLE_VCPU_OFF_STACK;
	v.slot = s->slot;
	return v;
}

/* TSC_AUX as Linux sets it on the dedicated core: the node and the core, for RDPID, RDTSCP and the vDSO's getcpu. */
static u32 tsc_aux()
{
	u32 lo, hi, aux;
	asm volatile("rdtscp" : "=a"(lo), "=d"(hi), "=c"(aux));
	return aux;
}

static bool build_block(Session *s)
{
	u64 off = DECOUPLE_STUB_OFF_VCPUS + static_cast<u64>(s->info.index) * DECOUPLE_VCPU_STRIDE;
	s->block = vm.stub + off;
	s->block_va = DECOUPLE_STUB_VA + off;
	s->doorbell_gpa = DECOUPLE_GPA_DOORBELL + static_cast<u64>(s->info.index) * page_size;
	s->slot = reinterpret_cast<struct decouple_slot *>(s->block + DECOUPLE_VCPU_OFF_SLOT);
	memcpy(s->block + DECOUPLE_VCPU_OFF_ENTRY, stub_entry, static_cast<u64>(stub_entry_end - stub_entry));
	memset(s->slot, 0, sizeof(*s->slot));
	s->slot->version = DECOUPLE_SLOT_VERSION;
	s->slot->spin = control.config.guest_spin ? control.config.guest_spin : 1;

	u64 tss = s->block_va + DECOUPLE_VCPU_OFF_TSS, stack_top = s->block_va + DECOUPLE_VCPU_OFF_STACK + page_size;
	u64 *gdt = reinterpret_cast<u64 *>(s->block + DECOUPLE_VCPU_OFF_GDT);
	gdt[2] = 0x00af9b000000ffff; /* kernel code, 64 bit */
	gdt[3] = 0x00cf93000000ffff; /* kernel data */
	gdt[4] = 0x00cffb000000ffff; /* user code, 32 bit */
	gdt[5] = 0x00cff3000000ffff; /* user data */
	gdt[6] = 0x00affb000000ffff; /* user code, 64 bit */
	gdt[8] = 0x0000890000000067 | (tss & 0xffffff) << 16 | (tss >> 24 & 0xff) << 56;
	gdt[9] = tss >> 32;
	u32 aux = tsc_aux();
	gdt[DECOUPLE_GDT_CPUNODE] = 0x0040f50000000000 | (aux & 0xffff) | static_cast<u64>(aux >> 16 & 0xf) << 48;
	u32 *t = reinterpret_cast<u32 *>(s->block + DECOUPLE_VCPU_OFF_TSS);
	t[1] = static_cast<u32>(stack_top), t[2] = static_cast<u32>(stack_top >> 32); /* RSP0 */
	t[9] = t[1], t[10] = t[2]; /* IST1 */
	t[25] = 0x68u << 16; /* the I/O bitmap begins behind the limit: no port is allowed at CPL 3 */

	bool ok = true;
	for (u64 page : {DECOUPLE_VCPU_OFF_GDT, DECOUPLE_VCPU_OFF_STACK})
		ok = ok && vm.tables.map_page(s->block_va + page, DECOUPLE_GPA_STUB + off + page, pte::write);
	return ok;
}

/* The pages of the system call path, at the block's own address or at an alias of it. */
static bool map_call_pages(Session *s, u64 va, bool user)
{
	u64 gpa = DECOUPLE_GPA_STUB + static_cast<u64>(s->block - vm.stub), flags = pte::write | (user ? pte::user : 0);
	bool ok = vm.tables.map_page(va + DECOUPLE_VCPU_OFF_DOORBELL, s->doorbell_gpa, flags);
	for (u64 page : {DECOUPLE_VCPU_OFF_ENTRY, DECOUPLE_VCPU_OFF_SLOT, DECOUPLE_VCPU_OFF_SCRATCH})
		ok = ok && vm.tables.map_page(va + page, gpa + page, flags);
	return ok;
}

static bool map_for_good(Session *s)
{
	return map_call_pages(s, s->block_va, vm.pvm) && exchange_map(s);
}

static long set_msrs(Session *s, u64 entry)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[5];
	} m;
	memset(&m, 0, sizeof(m));
	m.head.nmsrs = 5;
	m.entry[0].index = 0xc0000081; /* STAR */
	m.entry[0].data = static_cast<u64>(DECOUPLE_SEL_SYSRET) << 48 | static_cast<u64>(DECOUPLE_SEL_KCODE) << 32;
	m.entry[1].index = 0xc0000082; /* LSTAR */
	m.entry[1].data = entry;
	m.entry[2].index = 0xc0000084; /* SFMASK: TF IF DF IOPL NT AC, as Linux masks them */
	m.entry[2].data = 0x47700;
	m.entry[3].index = 0xc0000103; /* TSC_AUX */
	m.entry[3].data = tsc_aux();
	m.entry[4].index = 0x277; /* IA32_PAT. The last one: without it, write-combining memory of devices is uncached */
	m.entry[4].data = guest_pat;
	long n = vcpu_ioctl(s, KVM_SET_MSRS, &m);
	return n >= 4 ? 0 : n < 0 ? n : -EINVAL;
}

static struct kvm_segment segment(u16 selector, u8 type, u8 dpl, bool code)
{
	struct kvm_segment g = {};
	g.limit = ~0u;
	g.selector = selector;
	g.type = type;
	g.present = 1;
	g.dpl = dpl;
	g.s = 1;
	g.l = code;
	g.db = !code;
	g.g = 1;
	return g;
}

static long set_sregs(Session *s)
{
	struct kvm_sregs r;
	long e = vcpu_ioctl(s, KVM_GET_SREGS, &r);
	if (e < 0)
		return e;
	CpuidRegs l7 = cpuid(7, 0);
	vm.cr4 = 0x20 | 0x200 | 0x400; /* PAE OSFXSR OSXMMEXCPT */
	if (l7.ebx & 1)
		vm.cr4 |= 0x10000; /* FSGSBASE */
	if (has_xsave())
		vm.cr4 |= 0x40000; /* OSXSAVE */
	r.cr3 = DECOUPLE_GPA_STUB + DECOUPLE_STUB_OFF_PML4;
	r.cr0 = 0x80050033; /* PG AM WP NE ET MP PE */
	r.cr4 = vm.cr4;
	r.efer = 0xd01; /* NXE LMA LME SCE */
	r.cs = segment(DECOUPLE_SEL_KCODE, 11, 0, true);
	r.ss = r.ds = r.es = segment(DECOUPLE_SEL_KDATA, 3, 0, false);
	r.fs = r.gs = segment(0, 3, 3, false);
	r.fs.base = s->guest.fs_base;
	r.gs.base = s->guest.gs_base;
	r.gdt.base = s->block_va + DECOUPLE_VCPU_OFF_GDT;
	r.gdt.limit = DECOUPLE_GDT_LIMIT;
	r.idt.base = DECOUPLE_STUB_VA + DECOUPLE_STUB_OFF_IDT;
	r.idt.limit = page_size - 1;
	r.tr = {};
	r.tr.base = s->block_va + DECOUPLE_VCPU_OFF_TSS;
	r.tr.limit = 0x67;
	r.tr.selector = DECOUPLE_SEL_TSS;
	r.tr.type = 11;
	r.tr.present = 1;
	e = vcpu_ioctl(s, KVM_SET_SREGS, &r);
	/* As the host has them, where KVM can: UMIP; PKE, so that RDPKRU and WRPKRU work. */
	u64 optional = (l7.ecx & 4 ? 0x800 : 0) | (l7.ecx & 16 ? 0x400000 : 0);
	for (u64 bits : {optional, optional & 0x800, optional & 0x400000}) {
		struct kvm_sregs with = r;
		with.cr4 |= bits;
		if (e == 0 && bits && vcpu_ioctl(s, KVM_SET_SREGS, &with) == 0)
			break;
	}
	s->loaded_fs = s->guest.fs_base;
	s->loaded_gs = s->guest.gs_base;
	s->guest.cpl = 0;
	return e;
}

/* Only inside KVM_RUN may the reserved signal interrupt the vCPU thread. */
static long set_signal_mask(Session *s)
{
	struct {
		u32 len;
		u8 set[8];
	} m = {8, {}};
	u64 set = ~reserved_signals();
	memcpy(m.set, &set, 8);
	return vcpu_ioctl(s, KVM_SET_SIGNAL_MASK, &m);
}

static bool take_idle(Session *s)
{
	Locked hold(vm.lock);
	for (u32 i = 0; i < vm.idle_count; i++) {
		IdleVcpu &v = vm.idle[i];
		if (v.core != s->info.core)
			continue;
		s->vcpu_fd = v.fd;
		s->vcpu_id = v.id;
		kvm_stats_take(s, v.stats_fd);
		s->run = v.run;
		s->run_size = vm.run_size;
		s->vcpu_reused = 1;
		v = vm.idle[--vm.idle_count];
		return true;
	}
	return false;
}

static bool put_idle(Session *s, s32 stats_fd)
{
	Locked hold(vm.lock);
	if (vm.idle_count == max_idle_vcpus || !s->run || !s->info.first_run_tsc) /* one that never ran may be half set up */
		return false;
	s->run->immediate_exit = 0;
	s->run->kvm_dirty_regs = 0;
	vm.idle[vm.idle_count++] = {s->vcpu_fd, stats_fd, s->info.core, s->vcpu_id, s->run};
	return true;
}

SetupError vcpu_create(Session *s)
{
	if (take_idle(s))
		return setup_ok;
	/* Ids are not used twice: KVM keeps a closed vCPU until the VM goes. */
	u32 id = __atomic_fetch_add(&vm.next_vcpu_id, 1, __ATOMIC_RELAXED);
	long r = sys(__NR_ioctl, static_cast<u64>(vm.fd), KVM_CREATE_VCPU, id);
	if (r < 0)
		return {SetupStep::create_vcpu, r};
	s->vcpu_fd = static_cast<s32>(r);
	s->vcpu_id = id;
	kvm_stats_open(s);
	r = sys(__NR_mmap, 0, vm.run_size, prot_read | prot_write, map_shared, static_cast<u64>(s->vcpu_fd), 0);
	if (is_error(r))
		return {SetupStep::map_run, r};
	s->run = reinterpret_cast<struct kvm_run *>(r);
	s->run_size = vm.run_size;
	sys(__NR_madvise, addr(s->run), s->run_size, madv_dontfork);
	r = wake_up(s);
	return r < 0 ? SetupError{SetupStep::wake, r} : setup_ok;
}

void vcpu_enter_nowhere(Session *s)
{
	s->run->immediate_exit = 1;
	sys(__NR_ioctl, static_cast<u64>(s->vcpu_fd), KVM_RUN, 0);
	s->run->immediate_exit = 0;
	s->run->exit_reason = 0;
}

SetupError vcpu_set_up(Session *s)
{
	{
		Locked hold(vm.lock);
		if (!build_block(s) || (vm.probed && !map_for_good(s)))
			return {SetupStep::page_tables, -ENOSPC};
	}
	long r = s->vcpu_reused ? 0 : features_set_cpuid(s);
	if (r < 0)
		return {SetupStep::cpuid, r};
	if ((r = set_sregs(s)) < 0)
		return {SetupStep::sregs, r};
	if (s->vcpu_reused) {
		r = set_msrs(s, s->block_va + DECOUPLE_VCPU_OFF_ENTRY);
		return r < 0 ? SetupError{SetupStep::msrs, r} : setup_ok;
	}
	vm.xsave.components = 3;
	if (has_xsave() && (r = features_set_xcr0(s)) < 0)
		return {SetupStep::xcr0, r};
	if ((r = set_msrs(s, s->block_va + DECOUPLE_VCPU_OFF_ENTRY)) < 0)
		return {SetupStep::msrs, r};
	/* The vDSO's clock is exact only if the guest's TSC is the host's. */
	u64 offset = 0;
	struct kvm_device_attr a = {};
	a.group = KVM_VCPU_TSC_CTRL;
	a.attr = KVM_VCPU_TSC_OFFSET;
	a.addr = addr(&offset);
	if ((r = vcpu_ioctl(s, KVM_SET_DEVICE_ATTR, &a)) < 0)
		return {SetupStep::tsc_offset, r};
	if ((r = set_signal_mask(s)) < 0)
		return {SetupStep::signal_mask, r};
	s->run->kvm_valid_regs = KVM_SYNC_X86_REGS;
	return setup_ok;
}

SetupError vcpu_probe(Session *s)
{
	/*
	 * Ring 3 executes SYSCALL; the entry finds the home thread asleep and rings the doorbell: an MMIO exit at the CPL in question.
	 * Through a user-accessible alias, because entries that were present once are not reliably taken back under shadow paging.
	 */
	u64 alias = DECOUPLE_STUB_VA + DECOUPLE_STUB_OFF_PROBE;
	if (!map_call_pages(s, alias, true))
		return {SetupStep::page_tables, -ENOSPC};
	u8 *code = s->block + DECOUPLE_VCPU_OFF_SCRATCH;
	code[0] = 0x0f, code[1] = 0x05; /* syscall */
	s->slot->home_asleep = 1;
	u64 *frame = reinterpret_cast<u64 *>(s->block + DECOUPLE_VCPU_OFF_STACK + DECOUPLE_START_FRAME);
	frame[0] = alias + DECOUPLE_VCPU_OFF_SCRATCH;
	frame[1] = DECOUPLE_SEL_UCODE;
	frame[2] = 2;
	frame[3] = alias + DECOUPLE_VCPU_OFF_SCRATCH + DECOUPLE_SCRATCH_TOP;
	frame[4] = DECOUPLE_SEL_UDATA;
	struct kvm_regs r = {};
	r.rip = DECOUPLE_STUB_VA + DECOUPLE_STUB_OFF_TRAPS + DECOUPLE_TRAP_IRET;
	r.rsp = s->block_va + DECOUPLE_VCPU_OFF_STACK + DECOUPLE_START_FRAME;
	r.rflags = 2;
	struct kvm_sregs sregs;
	long e = set_msrs(s, alias + DECOUPLE_VCPU_OFF_ENTRY);
	e = e < 0 ? e : vcpu_ioctl(s, KVM_SET_REGS, &r);
	e = e < 0 ? e : sys(__NR_ioctl, static_cast<u64>(s->vcpu_fd), KVM_RUN, 0);
	e = e < 0 ? e : vcpu_ioctl(s, KVM_GET_SREGS, &sregs);
	if (e < 0)
		return {SetupStep::probe_guest, e};
	if (s->run->exit_reason != KVM_EXIT_MMIO)
		return {SetupStep::probe_guest, -ENOEXEC};
	vm.pvm = sregs.cs.dpl == 3;
	vm.probed = true;
	control.pvm = vm.pvm;
	/* Finish the store before the registers are replaced. */
	s->run->immediate_exit = 1;
	sys(__NR_ioctl, static_cast<u64>(s->vcpu_fd), KVM_RUN, 0);
	s->run->immediate_exit = 0;
	s->run->exit_reason = 0;
	for (u64 page = 0; page < DECOUPLE_VCPU_STRIDE; page += page_size)
		vm.tables.unmap_page(alias + page);
	memset(code, 0, 2);
	s->slot->home_asleep = 0;
	s->slot->rep_seq = s->slot->req_seq;
	if (!map_for_good(s))
		return {SetupStep::page_tables, -ENOSPC};
	if ((e = set_msrs(s, s->block_va + DECOUPLE_VCPU_OFF_ENTRY)) < 0)
		return {SetupStep::msrs, e};
	e = set_sregs(s);
	return e < 0 ? SetupError{SetupStep::sregs, e} : setup_ok;
}

void vcpu_destroy(Session *s)
{
	wake_end(s);
	reflector_vcpu_end(s);
	s32 stats_fd = kvm_stats_end(s);
	if (s->vcpu_fd > 0 && !put_idle(s, stats_fd)) {
		if (s->run)
			sys(__NR_munmap, addr(s->run), s->run_size);
		if (stats_fd > 0)
			sys(__NR_close, static_cast<u64>(stats_fd));
		sys(__NR_close, static_cast<u64>(s->vcpu_fd));
	}
	s->run = nullptr;
	s->vcpu_fd = 0;
}

long vcpu_save(Session *s)
{
	struct kvm_sregs sregs;
	s->guest.regs = s->run->s.regs.regs;
	long e = vcpu_ioctl(s, KVM_GET_SREGS, &sregs);
	if (e < 0)
		return e;
	s->guest.cpl = sregs.cs.dpl;
	s->guest.fs_base = s->loaded_fs = sregs.fs.base;
	s->guest.gs_base = s->loaded_gs = sregs.gs.base;
	return vcpu_ioctl(s, vm.xsave_size > 4096 ? KVM_GET_XSAVE2 : KVM_GET_XSAVE, s->xsave);
}

long vcpu_load(Session *s)
{
	xsave_from_frame(s->xsave, fp_buffer_size, s->fp, s->fp_size, vm.xsave);
	long e = wake_up(s);
	if (e < 0)
		return e;
	e = vcpu_ioctl(s, KVM_SET_XSAVE, s->xsave);
	if (e < 0)
		return e;
	struct kvm_regs r = regs_from_context(s->context.mc);
	if (s->loaded_fs != s->guest.fs_base || s->loaded_gs != s->guest.gs_base) {
		struct kvm_sregs sregs;
		if ((e = vcpu_ioctl(s, KVM_GET_SREGS, &sregs)) < 0)
			return e;
		sregs.fs.base = s->loaded_fs = s->guest.fs_base;
		sregs.gs.base = s->loaded_gs = s->guest.gs_base;
		if ((e = vcpu_ioctl(s, KVM_SET_SREGS, &sregs)) < 0)
			return e;
	}
	if (s->guest.cpl == 0) {
		/* Ring 0 cannot be left by setting registers alone: through the iretq. */
		u64 *frame = reinterpret_cast<u64 *>(s->block + DECOUPLE_VCPU_OFF_STACK + DECOUPLE_START_FRAME);
		frame[0] = r.rip;
		frame[1] = DECOUPLE_SEL_UCODE;
		frame[2] = r.rflags;
		frame[3] = r.rsp;
		frame[4] = DECOUPLE_SEL_UDATA;
		r.rsp = s->block_va + DECOUPLE_VCPU_OFF_STACK + DECOUPLE_START_FRAME;
		r.rip = DECOUPLE_STUB_VA + DECOUPLE_STUB_OFF_TRAPS + DECOUPLE_TRAP_IRET;
		r.rflags = 2;
	}
	s->run->s.regs.regs = r;
	s->run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
	return 0;
}

void vcpu_retry_trap(Session *s)
{
	struct kvm_regs &r = s->run->s.regs.regs;
	u32 vector = static_cast<u32>((r.rip - DECOUPLE_STUB_VA - DECOUPLE_STUB_OFF_TRAPS) / DECOUPLE_TRAP_STRIDE);
	if (vector_has_error_code(vector))
		r.rsp += 8;
	r.rip = DECOUPLE_STUB_VA + DECOUPLE_STUB_OFF_TRAPS + DECOUPLE_TRAP_IRET;
	s->run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
}

} // namespace decouple
