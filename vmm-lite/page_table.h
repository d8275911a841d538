/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's page tables: the process's user half, one to one in virtual addresses, in areas of 2 MiB. An area without executable
 * pages is one large NX entry; an area with some is a table of 4 KiB entries of which only the executable pages lack NX. What is
 * mapped, writable or present at all is not repeated here: the process's own page tables decide that under KVM.
 *
 * But not of pages of a device (VM_PFNMAP): KVM takes their address from the process's page tables without looking at the rights, lets the
 * guest read what is PROT_NONE, and drops a store to what is read-only as one to no device of its own. So the guest's entries have the
 * rights of these, and the memory type, which KVM does not take over either. A bit of the entry that the CPU ignores marks them.
 *
 * Tables that unmap() leaves empty are used again once the caller says that nobody can know them any more. Pure logic on memory given by the caller; the caller serialises.
 */
#ifndef DECOUPLE_VMM_PAGE_TABLE_H
#define DECOUPLE_VMM_PAGE_TABLE_H

#include "proc_maps.h"
#include "sys.h"

namespace decouple
{

constexpr u64 area_size = 2 << 20;
constexpr u32 area_pages = 512;

namespace pte
{
constexpr u64 present = 1, write = 2, user = 4, accessed = 0x20, dirty = 0x40, large = 0x80, nx = 1ull << 63;
constexpr u64 combining = 8, uncached = 0x10; /* slots 1 and 2 of guest_pat */
constexpr u64 device = 1ull << 9; /* free for software (SDM 3A table 4-20, APM 2 5.4.1) */
constexpr u64 address = 0x000ffffffffff000;
} // namespace pte

/* IA32_PAT as Linux has it: write-back, write-combining, uncached-, uncached; write-back, write-protected, uncached-, write-through. */
constexpr u64 guest_pat = 0x0407050600070106;

/* Some pages of one area: the executable ones, say. */
struct PageSet {
	u64 bits[area_pages / 64] = {};
	bool any() const;
	bool all() const;
	bool test(u32 page) const { return bits[page / 64] >> (page % 64) & 1; }
	/* Marks the part of [start, end) that lies in the area at area_start. */
	void add(u64 area_start, u64 start, u64 end);
};

using ExecPages = PageSet;

/* Pages of one area that are a device's. */
struct DevicePages {
	PageSet every, absent, read_only, uncached, combining;
	void add(u64 area_start, u64 start, u64 end, u64 prot, Caching caching);
	/* Present, write, memory type and mark; those of memory for a page that is no device's. */
	u64 flags(u32 page) const;
	/* The whole area is a device's, and its pages are alike: a large entry can have their flags. */
	bool uniform() const;
};

class PageTable
{
public:
	/* `memory` is the stub area; tables come from [next, limit) in it; `gpa` is its guest-physical address. The PML4 is at offset 0. */
	void init(u8 *memory, u64 gpa, u64 next, u64 limit);

	/* Maps or remaps the area of 2 MiB at va to gpa. False: out of tables. */
	bool map_area(u64 va, u64 gpa, const ExecPages &exec, const DevicePages &device = {});
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
	/* Makes executable and device pages of [start, end) not present, so that the next access asks again. */
	u32 forget(u64 start, u64 end);
	/* The same of whatever pages there are, with the rest of a large area. */
	void ask_again(u64 start, u64 end);
	/* The entry allows it; what is under it, the process's page tables decide. */
	bool allows(u64 va, bool write) const;

	u64 tables_used() const { return next_; }

private:
	static u32 index(u64 va, u32 level) { return va >> (12 + 9 * level) & 511; }
	/* Entry at level 3..0 (0: 4 KiB leaf), nullptr if a table above is missing or the entry above is large. */
	u64 *entry(u64 va, u32 level) const;
	u64 *entry_create(u64 va, u32 level);
	/* The large entry or leaf that translates va, present or not; nullptr: a table above is missing. */
	u64 *leaf(u64 va) const;
	template <class Visit> void for_each_leaf(u64 start, u64 end, Visit visit) const
	{
		for (u64 va = start & ~(page_size - 1); va < end;) {
			u64 *e = leaf(va);
			const bool area = !e || (*e & pte::large);
			if (e && *e)
				visit(e);
			va = area ? (va | (area_size - 1)) + 1 : va + page_size;
		}
	}
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
