// SPDX-License-Identifier: GPL-2.0-only
// Mappings of an IOMMU.

#include "hca-model/dma_map.h"

#include <sched.h>

#include <cerrno>

namespace decouple::hca
{

std::unique_lock<std::mutex> DmaMap::use()
{
	while (waiting_.load(std::memory_order_relaxed))
		sched_yield();
	return std::unique_lock(mutex_);
}

std::unique_lock<std::mutex> DmaMap::change()
{
	waiting_++;
	std::unique_lock lock(mutex_);
	waiting_--;
	return lock;
}

int DmaMap::map(uint64_t iova, void *memory, uint64_t len)
{
	if (!len || (iova | reinterpret_cast<uintptr_t>(memory) | len) % page_size || iova + len < iova)
		return EINVAL;
	const auto lock = change();
	auto next = ranges_.lower_bound(iova);
	if (next != ranges_.end() && next->first < iova + len)
		return EEXIST;
	if (next != ranges_.begin()) {
		const auto &[start, range] = *std::prev(next);
		if (start + range.len > iova)
			return EEXIST;
	}
	ranges_[iova] = {static_cast<uint8_t *>(memory), len};
	return 0;
}

int DmaMap::unmap(uint64_t iova, uint64_t len)
{
	const auto lock = change();
	auto found = ranges_.find(iova);
	if (found == ranges_.end() || found->second.len != len)
		return EINVAL;
	ranges_.erase(found);
	return 0;
}

void *DmaMap::find(uint64_t iova, uint64_t len) const
{
	auto next = ranges_.upper_bound(iova);
	if (next == ranges_.begin())
		return nullptr;
	const auto &[start, range] = *std::prev(next);
	const uint64_t offset = iova - start;
	return offset < range.len && len <= range.len - offset ? range.memory + offset : nullptr;
}

} // namespace decouple::hca
