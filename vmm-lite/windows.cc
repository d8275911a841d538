/* SPDX-License-Identifier: GPL-2.0-only */
/* Choosing, making and dropping windows; see windows.h. */
#include "windows.h"
#include "proc_maps.h"
#include "session.h"
#include "vm.h"

namespace decouple
{

constexpr u32 first_look = 64;
constexpr u64 sparse = 4; /* at least one part in so many of a window is mapped, or what surrounds it is growing */

long set_memslot(u32 slot, u64 gpa, u64 size, u64 hva)
{
	struct kvm_userspace_memory_region r = {};
	r.slot = slot;
	r.guest_phys_addr = gpa;
	r.memory_size = size;
	r.userspace_addr = hva;
	return sys(__NR_ioctl, static_cast<u64>(vm.fd), KVM_SET_USER_MEMORY_REGION, addr(&r));
}

void Windows::init(void *memory, u64 size, u32 slots, u64 gpa, u64 limit)
{
	list = static_cast<Window *>(memory);
	u64 room = size / sizeof(Window);
	capacity = slots - 1 < room ? slots - 1 : static_cast<u32>(room);
	count = live = 0;
	look_at = first_look;
	next_gpa = gpa;
	gpa_limit = limit;
}

static u64 overlap(u64 start, u64 end, u64 base, u64 size)
{
	u64 from = start > base ? start : base, to = end < base + size ? end : base + size;
	return from < to ? to - from : 0;
}

static u64 align(u64 va, u32 shift)
{
	return va & ~((1ull << shift) - 1);
}

/* The largest window that memory in use justifies; one beside another window may be larger, or growing memory needs many. */
u32 Windows::choose_shift(u64 va) const
{
	u64 mapped[64] = {};
	for_each_vma([&](const Vma &v) {
		if (v.prot != prot_none)
			for (u32 s = window_shift_least; s <= shift_most; s++)
				mapped[s] += overlap(v.start, v.end, align(va, s), 1ull << s);
		return v.end < align(va, shift_most) + (1ull << shift_most);
	});
	u32 best = window_shift_least;
	for (u32 s = window_shift_least + 1; s <= shift_most; s++) {
		u64 size = 1ull << s, base = align(va, s);
		bool free = true;
		for (u64 a = base; free && a < base + size; a += area_size)
			free = !vm.tables.has_area(a);
		if (!free)
			break;
		bool beside = vm.tables.has_area(base + size) || (base && vm.tables.has_area(base - area_size));
		if ((beside && s <= window_shift_beside) || mapped[s] * sparse >= size)
			best = s;
	}
	return best;
}

/* A slot with guest-physical space for a window of that size. */
Window *Windows::reserve(u32 shift)
{
	if (live < count)
		for (u32 i = 0; i < count; i++)
			if (!list[i].used && list[i].shift == shift)
				return &list[i];
	u64 size = 1ull << shift, gpa = (next_gpa + size - 1) & ~(size - 1);
	if (count == capacity || gpa + size > gpa_limit)
		return nullptr;
	next_gpa = gpa + size;
	list[count] = {0, gpa, shift, 0};
	return &list[count++];
}

/*
 * Programs that map and unmap all over their address space would else fill the kernel's memory with windows on nothing. The guest's
 * entries go first, so that a vCPU that runs meanwhile finds either the old window or none, and asks; deleting a memslot then makes
 * KVM forget what it knew of the tables. A VMA overlooked in the list, which changes while it is read, costs a fault and is back.
 */
void Windows::drop_dead()
{
	for (u32 i = 0; i < count; i++)
		list[i].used = list[i].used ? 1 : 0;
	long e = for_each_vma([&](const Vma &v) {
		if (v.prot != prot_none)
			for (u32 i = 0; i < count; i++)
				if (list[i].used && overlap(v.start, v.end, list[i].base, 1ull << list[i].shift))
					list[i].used = 2;
		return true;
	});
	if (e < 0)
		return;
	for (u32 i = 0; i < count; i++)
		if (list[i].used == 1)
			vm.tables.unmap(list[i].base, list[i].base + (1ull << list[i].shift));
	for (u32 i = 0; i < count; i++)
		if (list[i].used == 1) {
			set_memslot(1 + i, list[i].gpa, 0, 0);
			list[i].used = 0;
			live--;
		}
	vm.tables.reuse_unmapped();
	look_at = live + live / 4 + first_look / 2;
	if (look_at > capacity)
		look_at = capacity;
}

bool Windows::add(u64 va)
{
	if (live >= look_at)
		drop_dead();
	u32 shift = choose_shift(va);
	Window *w = reserve(shift);
	if (!w)
		return false;
	u64 base = align(va, shift), size = 1ull << shift;
	u64 start = base < user_start ? user_start : base, end = base + size > user_end ? user_end : base + size;
	if (set_memslot(1 + static_cast<u32>(w - list), w->gpa + (start - base), end - start, start) < 0)
		return false;
	w->base = base;
	w->used = 1;
	store(control.windows, static_cast<u64>(++live));
	return map_areas(base, base + size, w->gpa);
}

bool map_areas(u64 first, u64 end, u64 gpa)
{
	bool ok = true;
	for (u64 a = first; a < end; a += area_size)
		ok = ok && vm.tables.map_area(a, gpa + (a - first), ExecPages());
	ExecPages exec;
	DevicePages device;
	u64 current = 0;
	auto flush = [&] {
		if (exec.any() || device.every.any())
			ok = ok && vm.tables.map_area(current, gpa + (current - first), exec, device);
		exec = {};
		device = {};
	};
	long e = for_each_vma([&](const Vma &v) {
		if (v.start >= end)
			return false;
		if (v.end <= first || !(v.device || (v.prot & prot_exec)))
			return true;
		u64 from = v.start < first ? first : v.start & ~(area_size - 1), to = v.end < end ? v.end : end;
		for (u64 a = from; a < to; a += area_size) {
			if (a != current)
				flush();
			current = a;
			if (v.prot & prot_exec)
				exec.add(a, v.start, v.end);
			if (v.device)
				device.add(a, v.start, v.end, v.prot, v.caching);
		}
		return true;
	});
	flush();
	return ok && e >= 0;
}

} // namespace decouple
