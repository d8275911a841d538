/* SPDX-License-Identifier: GPL-2.0-only */
/* Anonymous memory of one page size, fresh from the kernel: the material of fault and compute. */
#ifndef DECOUPLE_TOOLS_REGION_H
#define DECOUPLE_TOOLS_REGION_H

#include <cstddef>

namespace decouple::bench
{

constexpr size_t small_page = 4096, huge_page = 2 << 20;

struct Region {
	char *base = nullptr; /* first page, aligned to its size */
	size_t size = 0;
	void *mapping = nullptr;
	size_t mapping_size = 0;
};

/* Maps pages that nobody has touched; 0 or -errno. Only system calls, no allocator: this runs inside jobs. */
int map_region(Region &region, size_t size, bool huge);
void unmap_region(Region &region);

/*
 * Was a huge page given for the one at `page`, of which only the first byte has been touched? Then all of it is present. The kernel may give
 * small pages at any time instead: no policy, or no free huge page.
 */
bool is_huge(const char *page);

} // namespace decouple::bench

#endif
