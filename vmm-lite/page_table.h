/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's page tables: the process's user half, one to one in virtual addresses, in areas of 2 MiB. An area without executable
 * pages is one large NX entry; an area with some is a table of 4 KiB entries of which only the executable pages lack NX. What is
 * mapped, writable or present at all is not repeated here: the process's own page tables decide that under KVM.
 *
 * Tables that unmap() leaves empty are used again once the caller says that nobody can know them any more. Pure logic on memory given by the caller; the caller serialises.
 */
#ifndef DECOUPLE_VMM_PAGE_TABLE_H
#define DECOUPLE_VMM_PAGE_TABLE_H

#include "sys.h"

namespace decouple
{

constexpr u64 area_size = 2 << 20;
constexpr u32 area_pages = 512;

namespace pte
{
constexpr u64 present = 1, write = 2, user = 4, uncached = 0x18, accessed = 0x20, dirty = 0x40, large = 0x80, nx = 1ull << 63;
constexpr u64 address = 0x000ffffffffff000;
} // namespace pte

/* Executable pages of one area. */
struct ExecPages {
	u64 bits[area_pages / 64] = {};
	bool any() const;
	bool test(u32 page) const { return bits[page / 64] >> (page % 64) & 1; }
	/* Marks the part of [start, end) that lies in the area at area_start. */
	void add(u64 area_start, u64 start, u64 end);
};

class PageTable
{
public:
	/* `memory` is the stub area; tables come from [next, limit) in it; `gpa` is its guest-physical address. The PML4 is at offset 0. */
	void init(u8 *memory, u64 gpa, u64 next, u64 limit);

	/* Maps or remaps the area of 2 MiB at va to gpa. False: out of tables. */
	bool map_area(u64 va, u64 gpa, const ExecPages &exec);
	/* Maps one stub page. */
	bool map_page(u64 va, u64 gpa, u64 flags);
	void unmap_page(u64 va);
	/* Takes the areas of [start, end) out, and tables that are empty then. Those are not used again before reuse_unmapped(). */
	void unmap(u64 start, u64 end);
	/* No CPU, and no KVM, has anything of what was unmapped in its caches. */
	void reuse_unmapped();
	/* Is there an entry for the area? */
	bool has_area(u64 va) const { return entry(va, 1) != nullptr && *entry(va, 1) != 0; }
	/* Guest-physical address of a mapped area's start. */
	u64 area_gpa(u64 va) const;
	/* Are all of these pages executable in the table? */
	bool executable(u64 va) const;
	/* Makes the pages of [start, end) in areas with executable pages not present, so that the next access asks again. */
	u32 forget(u64 start, u64 end);
	/* The leaf is present (for an area of 4 KiB entries) or the area is large. */
	bool present(u64 va) const;

	u64 tables_used() const { return next_; }

private:
	static u32 index(u64 va, u32 level) { return va >> (12 + 9 * level) & 511; }
	/* Entry at level 3..0 (0: 4 KiB leaf), nullptr if a table above is missing or the entry above is large. */
	u64 *entry(u64 va, u32 level) const;
	u64 *entry_create(u64 va, u32 level);
	u64 *table(u64 e) const { return reinterpret_cast<u64 *>(memory_ + ((e & pte::address) - gpa_)); }
	u64 allocate(); /* gpa of a zeroed table; 0: none left */
	/* Puts the table out of use; the entry that named it is no longer present. */
	void retire(u64 gpa);
	bool empty(const u64 *t) const;

	u8 *memory_;
	u64 gpa_, next_, limit_;
	u64 free_, retired_; /* gpa of the first table of a list, linked by first entries, which are never present; 0: none */
};

} // namespace decouple

#endif
