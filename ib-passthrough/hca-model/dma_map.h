/* SPDX-License-Identifier: GPL-2.0-only */
/* An IOMMU of one device: which memory of this process is behind which addresses of the device. */
#ifndef DECOUPLE_HCA_DMA_MAP_H
#define DECOUPLE_HCA_DMA_MAP_H

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>

namespace decouple::hca
{

class DmaMap
{
public:
	static constexpr uint64_t page_size = 4096;

	/* errno: EINVAL for what is no page, EEXIST where something is mapped already. */
	int map(uint64_t iova, void *memory, uint64_t len);
	/* Exactly what was mapped; EINVAL if nothing was. After that no step of the device uses it. */
	int unmap(uint64_t iova, uint64_t len);
	/* nullptr: not mapped, or not all of it by one mapping. Only under use(). */
	void *find(uint64_t iova, uint64_t len) const;

	/* While it lives, mappings stay. Held by the device's thread for a step. */
	std::unique_lock<std::mutex> use();

private:
	struct Range {
		uint8_t *memory;
		uint64_t len;
	};

	std::unique_lock<std::mutex> change();

	std::map<uint64_t, Range> ranges_; /* by iova, disjoint */
	std::mutex mutex_; /* protects ranges_ */
	std::atomic<int> waiting_ = 0; /* who wants to change them: a thread that takes the mutex all the time must let them */
};

} // namespace decouple::hca

#endif
