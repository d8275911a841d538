/* SPDX-License-Identifier: GPL-2.0-only */
/* Guest page tables; see page_table.h. Entry format: SDM 3A 4.5, APM 2 5.3. */
#include "page_table.h"

namespace decouple
{

bool ExecPages::any() const
{
	u64 all = 0;
	for (u64 b : bits)
		all |= b;
	return all != 0;
}

void ExecPages::add(u64 area_start, u64 start, u64 end)
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

bool PageTable::map_area(u64 va, u64 gpa, const ExecPages &exec)
{
	constexpr u64 leaf = pte::present | pte::write | pte::user | pte::accessed | pte::dirty;
	va &= ~(area_size - 1);
	u64 *pde = entry_create(va, 1);
	if (!pde)
		return false;
	bool is_table = (*pde & pte::present) && !(*pde & pte::large);
	if (!exec.any() && !is_table) {
		store(*pde, gpa | leaf | pte::large | pte::nx);
		return true;
	}
	u64 table_gpa = is_table ? *pde & pte::address : allocate();
	if (!table_gpa)
		return false;
	u64 *t = table(table_gpa);
	for (u32 i = 0; i < area_pages; i++)
		store(t[i], (gpa + i * page_size) | leaf | (exec.test(i) ? 0 : pte::nx));
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

bool PageTable::present(u64 va) const
{
	const u64 *pde = entry(va, 1);
	if (!pde || !(*pde & pte::present))
		return false;
	return (*pde & pte::large) || (*entry(va, 0) & pte::present);
}

u32 PageTable::forget(u64 start, u64 end)
{
	u32 forgotten = 0;
	for (u64 va = start & ~(page_size - 1); va < end;) {
		u64 *e = entry(va, 0);
		if (!e) {
			va = (va | (area_size - 1)) + 1;
			continue;
		}
		/* The address stays, so that area_gpa() finds it again. */
		if ((*e & pte::present) && !(*e & pte::nx)) {
			store(*e, *e & ~pte::present);
			forgotten++;
		}
		va += page_size;
	}
	return forgotten;
}

} // namespace decouple
