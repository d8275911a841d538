/* SPDX-License-Identifier: GPL-2.0-only */
/* Guest page tables; see page_table.h. Entry format: SDM 3A 4.5, APM 2 5.3. */
#include "page_table.h"
#include <initializer_list>

namespace decouple
{

bool PageSet::any() const
{
	u64 some = 0;
	for (u64 b : bits)
		some |= b;
	return some != 0;
}

bool PageSet::all() const
{
	u64 common = ~0ull;
	for (u64 b : bits)
		common &= b;
	return common == ~0ull;
}

void PageSet::add(u64 area_start, u64 start, u64 end)
{
	if (start < area_start)
		start = area_start;
	if (end > area_start + area_size)
		end = area_start + area_size;
	for (u64 va = start & ~(page_size - 1); va < end; va += page_size) {
		u64 page = (va - area_start) / page_size;
		bits[page / 64] |= 1ull << (page % 64);
	}
}

void DevicePages::add(u64 area_start, u64 start, u64 end, u64 prot, Caching caching)
{
	every.add(area_start, start, end);
	if (prot == prot_none)
		absent.add(area_start, start, end);
	if (!(prot & prot_write))
		read_only.add(area_start, start, end);
	if (caching == Caching::uncached)
		uncached.add(area_start, start, end);
	if (caching == Caching::combining)
		combining.add(area_start, start, end);
}

u64 DevicePages::flags(u32 page) const
{
	if (!every.test(page))
		return pte::present | pte::write;
	return pte::device | (absent.test(page) ? 0 : pte::present) | (read_only.test(page) ? 0 : pte::write) |
	       (uncached.test(page) ? pte::uncached : 0) | (combining.test(page) ? pte::combining : 0);
}

bool DevicePages::uniform() const
{
	if (!every.all())
		return false;
	for (const PageSet *set : {&absent, &read_only, &uncached, &combining})
		if (set->any() && !set->all())
			return false;
	return true;
}

void PageTable::init(u8 *memory, u64 gpa, u64 next, u64 limit)
{
	memory_ = memory;
	gpa_ = gpa;
	next_ = next;
	limit_ = limit;
	free_ = retired_ = 0;
}

u64 PageTable::allocate()
{
	if (free_) {
		u64 gpa = free_;
		u64 *t = table(gpa);
		free_ = t[0];
		store(t[0], u64{0});
		return gpa;
	}
	if (next_ + page_size > limit_)
		return 0;
	u64 offset = next_;
	next_ += page_size;
	return gpa_ + offset;
}

u64 *PageTable::entry(u64 va, u32 level) const
{
	u64 *t = reinterpret_cast<u64 *>(memory_);
	for (u32 l = 3; l > level; l--) {
		u64 e = t[index(va, l)];
		if (!(e & pte::present) || (e & pte::large))
			return nullptr;
		t = table(e);
	}
	return &t[index(va, level)];
}

u64 *PageTable::entry_create(u64 va, u32 level)
{
	u64 *t = reinterpret_cast<u64 *>(memory_);
	for (u32 l = 3; l > level; l--) {
		u64 *e = &t[index(va, l)];
		if (!(*e & pte::present)) {
			u64 gpa = allocate();
			if (!gpa)
				return nullptr;
			store(*e, gpa | pte::present | pte::write | pte::user);
		}
		t = table(*e);
	}
	return &t[index(va, level)];
}

u64 *PageTable::leaf(u64 va) const
{
	u64 *pde = entry(va, 1);
	return !pde || (*pde & pte::large) ? pde : entry(va, 0);
}

bool PageTable::map_area(u64 va, u64 gpa, const ExecPages &exec, const DevicePages &device)
{
	constexpr u64 leaf = pte::user | pte::accessed | pte::dirty;
	va &= ~(area_size - 1);
	u64 *pde = entry_create(va, 1);
	if (!pde)
		return false;
	bool is_table = (*pde & pte::present) && !(*pde & pte::large);
	if (!exec.any() && !is_table && (!device.every.any() || device.uniform())) {
		store(*pde, gpa | leaf | device.flags(0) | pte::large | pte::nx);
		return true;
	}
	u64 table_gpa = is_table ? *pde & pte::address : allocate();
	if (!table_gpa)
		return false;
	u64 *t = table(table_gpa);
	for (u32 i = 0; i < area_pages; i++)
		store(t[i], (gpa + i * page_size) | leaf | device.flags(i) | (exec.test(i) ? 0 : pte::nx));
	if (!is_table)
		store(*pde, table_gpa | pte::present | pte::write | pte::user);
	return true;
}

bool PageTable::map_page(u64 va, u64 gpa, u64 flags)
{
	u64 *e = entry_create(va, 0);
	if (!e)
		return false;
	store(*e, gpa | flags | pte::present | pte::accessed | pte::dirty);
	return true;
}

void PageTable::unmap_page(u64 va)
{
	u64 *e = entry(va, 0);
	if (e)
		store(*e, u64{0});
}

void PageTable::retire(u64 gpa)
{
	u64 *t = table(gpa);
	for (u32 i = 1; i < 512; i++)
		store(t[i], u64{0});
	store(t[0], retired_);
	retired_ = gpa;
}

bool PageTable::empty(const u64 *t) const
{
	for (u32 i = 0; i < 512; i++)
		if (t[i])
			return false;
	return true;
}

void PageTable::unmap(u64 start, u64 end)
{
	for (u64 va = start & ~(area_size - 1); va < end; va += area_size) {
		u64 *pde = entry(va, 1);
		if (!pde || !*pde)
			continue;
		u64 old = *pde;
		store(*pde, u64{0});
		if (!(old & pte::large))
			retire(old & pte::address);
		for (u32 level = 2; level <= 3; level++) {
			u64 *upper = entry(va, level);
			u64 lower = *upper & pte::address;
			if (!empty(table(lower)))
				break;
			store(*upper, u64{0});
			retire(lower);
		}
	}
}

void PageTable::reuse_unmapped()
{
	while (retired_) {
		u64 gpa = retired_;
		retired_ = table(gpa)[0];
		store(table(gpa)[0], free_);
		free_ = gpa;
	}
}

u64 PageTable::area_gpa(u64 va) const
{
	u64 pde = *entry(va, 1);
	return (pde & pte::large ? pde : table(pde)[0]) & pte::address & ~(area_size - 1);
}

bool PageTable::executable(u64 va) const
{
	const u64 *e = entry(va, 0);
	return e && (*e & pte::present) && !(*e & pte::nx);
}

bool PageTable::allows(u64 va, bool write) const
{
	const u64 *e = leaf(va);
	return e && (*e & pte::present) && (!write || (*e & pte::write));
}

/* The address stays, so that area_gpa() finds it again. */
static void make_absent(u64 *e)
{
	store(*e, *e & ~pte::present);
}

u32 PageTable::forget(u64 start, u64 end)
{
	u32 forgotten = 0;
	for_each_leaf(start, end, [&](u64 *e) {
		const bool present = *e & pte::present;
		if ((*e & pte::device) || (present && !(*e & pte::nx))) {
			make_absent(e);
			forgotten++; /* a device's without access too: that may change */
		}
	});
	return forgotten;
}

void PageTable::ask_again(u64 start, u64 end)
{
	for_each_leaf(start, end, make_absent);
}

} // namespace decouple
