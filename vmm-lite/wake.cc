/* SPDX-License-Identifier: GPL-2.0-only */
/* Sleeping in the guest; see wake.h. */
#include "wake.h"
#include "reflector_module.h"
#include "decouple/gate.h"
#include "decouple/layout.h"

namespace decouple
{

/* The local APIC's register of the spurious interrupt: its vector, and that the APIC is on (SDM 3A 10.9). */
constexpr u32 apic_spurious = 0xf0, apic_on = 0x1ff;
constexpr u32 apic_ids = 0xff; /* xAPIC: 8 bits, of which the last one is for all */

static bool enable(u32 capability, u64 argument)
{
	struct kvm_enable_cap cap = {};
	cap.cap = capability;
	cap.args[0] = argument;
	return sys(__NR_ioctl, static_cast<u64>(vm.fd), KVM_ENABLE_CAP, addr(&cap)) == 0;
}

void wake_create_apics()
{
	vm.apics = false;
	if (!by_module() || control.config.apics == ApicMode::none)
		return;
	if (control.config.apics == ApicMode::full)
		vm.apics = sys(__NR_ioctl, static_cast<u64>(vm.fd), KVM_CREATE_IRQCHIP, 0) == 0;
	else
		vm.apics = enable(KVM_CAP_SPLIT_IRQCHIP, DECOUPLE_GSI_WAKE);
}

/* One line for each vCPU: KVM takes the whole table at once. */
static long route(u32 vcpus)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry[apic_ids];
	} table = {};
	table.head.nr = vcpus;
	for (u32 id = 0; id < vcpus; id++) {
		struct kvm_irq_routing_entry &e = table.entry[id];
		e.gsi = DECOUPLE_GSI_WAKE + id;
		e.type = KVM_IRQ_ROUTING_MSI;
		e.u.msi.address_lo = DECOUPLE_GPA_APIC | id << 12;
		e.u.msi.data = DECOUPLE_VECTOR_WAKE;
	}
	return sys(__NR_ioctl, static_cast<u64>(vm.fd), KVM_SET_GSI_ROUTING, addr(&table));
}

static long irqfd(const Session *s, u32 flags)
{
	struct kvm_irqfd i = {};
	i.fd = static_cast<u32>(s->wake_fd);
	i.gsi = DECOUPLE_GSI_WAKE + s->vcpu_id;
	i.flags = flags;
	return sys(__NR_ioctl, static_cast<u64>(vm.fd), KVM_IRQFD, addr(&i));
}

static long switch_on(const Session *s)
{
	struct kvm_lapic_state apic;
	long r = sys(__NR_ioctl, static_cast<u64>(s->vcpu_fd), KVM_GET_LAPIC, addr(&apic));
	memcpy(apic.regs + apic_spurious, &apic_on, sizeof(apic_on));
	return r < 0 ? r : sys(__NR_ioctl, static_cast<u64>(s->vcpu_fd), KVM_SET_LAPIC, addr(&apic));
}

static long set_up_new(const Session *s)
{
	Locked hold(vm.lock);
	long r = switch_on(s);
	if (r < 0 || s->vcpu_id < vm.routed)
		return r;
	if ((r = route(s->vcpu_id + 1)) == 0)
		vm.routed = s->vcpu_id + 1;
	return r;
}

long wake_set_up(Session *s)
{
	constexpr u64 efd_cloexec_nonblock = 02004000;
	if (!vm.apics || vm.pvm || s->vcpu_id >= apic_ids)
		return 0;
	long r = s->vcpu_reused ? 0 : set_up_new(s);
	if (r < 0)
		return r;
	if ((r = sys(__NR_eventfd2, 0, efd_cloexec_nonblock)) < 0)
		return r;
	s->wake_fd = static_cast<s32>(r);
	if ((r = irqfd(s, 0)) < 0)
		return r;
	const decouple_event_set_up events = {addr(s->slot), s->wake_fd, 0};
	if ((r = module_reflector::events(s, &events)) < 0)
		return r;
	s->no_event = -1;
	s->slot->halts = 1;
	return 0;
}

void wake_end(Session *s)
{
	if (s->wake_fd <= 0)
		return;
	irqfd(s, KVM_IRQFD_FLAG_DEASSIGN);
	sys(__NR_close, static_cast<u64>(s->wake_fd));
	s->wake_fd = 0;
}

void wake_vcpu(Session *s)
{
	module_reflector::wake_vcpu(s); /* the eventfd is not in the application's table */
}

/* Where there are local APICs, all vCPUs but the first wait for another one to start them. */
long wake_up(const Session *s)
{
	struct kvm_mp_state state = {KVM_MP_STATE_RUNNABLE};
	return vm.apics ? sys(__NR_ioctl, static_cast<u64>(s->vcpu_fd), KVM_SET_MP_STATE, addr(&state)) : 0;
}

} // namespace decouple
