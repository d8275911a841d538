/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that a device may use, for as long as an object lives. */
#ifndef DECOUPLE_FUNCTION_MAPPING_H
#define DECOUPLE_FUNCTION_MAPPING_H

#include <vector>

#include "function/access.h"

namespace decouple
{

constexpr uint64_t device_page = 4096;

/* The pages of some memory of this process. Move-only. */
class Mapping
{
public:
	/* `access` outlives it. The memory stays the caller's, and stays where it is. */
	static Result<Mapping> of(Access &access, const void *memory, size_t len);

	Mapping() = default;
	Mapping(Mapping &&other) noexcept { swap(other); }
	Mapping &operator=(Mapping &&other) noexcept
	{
		swap(other);
		return *this;
	}
	~Mapping();

	/* Of the first byte that was asked for. */
	uint64_t address() const { return iova_ + offset_; }
	size_t pages() const { return len_ / device_page; }
	uint64_t page(size_t number) const { return iova_ + number * device_page; }

private:
	void swap(Mapping &other) noexcept;

	Access *access_ = nullptr;
	uint64_t iova_ = 0, offset_ = 0; /* offset_: of the first byte in its page */
	size_t len_ = 0;
};

/* Fresh pages, zero, and mapped. Move-only. */
class DeviceMemory
{
public:
	static Result<DeviceMemory> allocate(Access &access, size_t len);

	DeviceMemory() = default;
	DeviceMemory(DeviceMemory &&other) noexcept { swap(other); }
	DeviceMemory &operator=(DeviceMemory &&other) noexcept
	{
		swap(other);
		return *this;
	}
	~DeviceMemory();

	hca::MutableBytes bytes() const { return {memory_, len_}; }
	const Mapping &mapping() const { return mapping_; }

private:
	void swap(DeviceMemory &other) noexcept;

	uint8_t *memory_ = nullptr;
	size_t len_ = 0;
	Mapping mapping_;
};

} // namespace decouple

#endif
