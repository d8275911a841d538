/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Windows: memslots on parts of the process's memory, each with its guest page tables. They come when the guest first touches a part,
 * and go some time after the process has unmapped it. Callers hold vm.lock.
 */
#ifndef DECOUPLE_VMM_WINDOWS_H
#define DECOUPLE_VMM_WINDOWS_H

#include "page_table.h"

namespace decouple
{

/*
 * Sizes, as powers of two. A memslot costs kernel memory by its size, used or not: with shadow paging (PVM) 2.5 KiB per MiB; with
 * hardware's 0.5 where KVM tracks writes for KVMGT (Debian's 6.1), else next to nothing. So a lone mapping of some 100 KiB gets a window
 * of one area, what lies beside another window at most _beside, dense memory up to the host's largest, which allows large pages.
 */
constexpr u32 window_shift_least = 21, window_shift_beside = 25, window_shift_shadow = 25, window_shift_hardware = 30;
static_assert(1ull << window_shift_least == area_size);

struct Window {
	u64 base; /* in the process, aligned to its size */
	u64 gpa; /* stays with the slot: a window of the same size can have it next */
	u32 shift;
	u32 used;
};

struct Windows {
	Window *list; /* [i] is memslot 1 + i */
	u32 count, capacity;
	u32 live; /* used ones */
	u32 look_at; /* so many used ones: see which are dead */
	u32 shift_most;
	u64 next_gpa, gpa_limit;

	void init(void *memory, u64 size, u32 slots, u64 gpa, u64 limit);
	/* Makes the window for `va`, in which no window is yet. */
	bool add(u64 va);

private:
	u32 choose_shift(u64 va) const;
	Window *reserve(u32 shift);
	void drop_dead();
};

/* Memslot `slot`; size 0 deletes it. -errno. */
long set_memslot(u32 slot, u64 gpa, u64 size, u64 hva);

/* Brings the areas of [first, end) up to date with the process's VMAs. `gpa` of the first area. */
bool map_areas(u64 first, u64 end, u64 gpa);

} // namespace decouple

#endif
