// SPDX-License-Identifier: GPL-2.0-only
// Mapping of untouched pages.

#include "region.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstdint>

namespace decouple::bench
{

int map_region(Region &region, size_t size, bool huge)
{
	size_t align = huge ? huge_page : small_page;
	region.size = size;
	region.mapping_size = size + align;
	region.mapping = mmap(nullptr, region.mapping_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (region.mapping == MAP_FAILED) {
		region.mapping = nullptr;
		return -errno;
	}
	uintptr_t start = reinterpret_cast<uintptr_t>(region.mapping);
	region.base = reinterpret_cast<char *>((start + align - 1) / align * align);
	if (madvise(region.mapping, region.mapping_size, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE)) {
		// EINVAL is a kernel without huge pages. Then all pages are small, which is what the other case asks for.
		int error = errno;
		if (huge || error != EINVAL) {
			unmap_region(region);
			return -error;
		}
	}
	return 0;
}

void unmap_region(Region &region)
{
	if (region.mapping)
		munmap(region.mapping, region.mapping_size);
	region = {};
}

bool is_huge(const char *page)
{
	unsigned char present = 0;
	return !mincore(const_cast<char *>(page) + huge_page / 2, small_page, &present) && (present & 1);
}

} // namespace decouple::bench
