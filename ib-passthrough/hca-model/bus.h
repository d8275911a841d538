/* SPDX-License-Identifier: GPL-2.0-only */
/* What the device needs of the machine that it is plugged into: memory, interrupts, time. */
#ifndef DECOUPLE_HCA_BUS_H
#define DECOUPLE_HCA_BUS_H

#include <time.h>

#include <cstdint>

namespace decouple::hca
{

class Bus
{
public:
	virtual ~Bus() = default;

	/*
	 * Memory of the host behind `len` bytes at `iova`; nullptr: the IOMMU refuses them. The device uses it until its step ends,
	 * never later: whoever takes memory away waits for the step (see DmaMap).
	 */
	virtual void *dma(uint64_t iova, uint64_t len) = 0;
	virtual void msix(unsigned vector) = 0;

	/* Monotonic. Tests turn the clock by hand. */
	virtual uint64_t now_ns()
	{
		timespec now;
		clock_gettime(CLOCK_MONOTONIC, &now);
		return static_cast<uint64_t>(now.tv_sec) * 1000000000 + static_cast<uint64_t>(now.tv_nsec);
	}
};

} // namespace decouple::hca

#endif
