// SPDX-License-Identifier: GPL-2.0-only
// Memory for devices.

#include "function/mapping.h"

#include <sys/mman.h>

namespace decouple
{

Result<Mapping> Mapping::of(Access &access, const void *memory, size_t len)
{
	const auto start = reinterpret_cast<uintptr_t>(memory), first = start & ~(device_page - 1);
	if (!len || start + len < start)
		return fail(EINVAL, "memory of no size");
	const size_t whole = (start + len - first + device_page - 1) & ~(device_page - 1);
	Mapping mapping;
	mapping.iova_ = TRY(access.map(reinterpret_cast<void *>(first), whole));
	mapping.access_ = &access;
	mapping.offset_ = start - first;
	mapping.len_ = whole;
	return mapping;
}

Mapping::~Mapping()
{
	if (access_)
		access_->unmap(iova_, len_);
}

void Mapping::swap(Mapping &other) noexcept
{
	std::swap(access_, other.access_);
	std::swap(iova_, other.iova_);
	std::swap(offset_, other.offset_);
	std::swap(len_, other.len_);
}

Result<DeviceMemory> DeviceMemory::allocate(Access &access, size_t len)
{
	DeviceMemory memory;
	const size_t whole = (len + device_page - 1) & ~(device_page - 1);
	void *pages = mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED)
		return fail_errno("memory for the device");
	memory.memory_ = static_cast<uint8_t *>(pages);
	memory.len_ = whole;
	memory.mapping_ = TRY(Mapping::of(access, pages, whole));
	return memory;
}

DeviceMemory::~DeviceMemory()
{
	mapping_ = {};
	if (memory_)
		munmap(memory_, len_);
}

void DeviceMemory::swap(DeviceMemory &other) noexcept
{
	std::swap(memory_, other.memory_);
	std::swap(len_, other.len_);
	std::swap(mapping_, other.mapping_);
}

} // namespace decouple
