/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a driver reaches a function: registers, memory, interrupt. Implemented by the model in this process and by VFIO; whoever
 * drives a function knows only this.
 */
#ifndef DECOUPLE_FUNCTION_ACCESS_H
#define DECOUPLE_FUNCTION_ACCESS_H

#include <sys/types.h>

#include "base/result.h"
#include "prm/bits.h"

namespace decouple
{

class Access
{
public:
	virtual ~Access() = default;

	/* All of BAR 0. */
	virtual hca::MutableBytes bar() = 0;
	/* The device may use these pages from now on, at the address that is returned. */
	virtual Result<uint64_t> map(void *memory, size_t len) = 0;
	/* What map() gave; the device has stopped to use it when this returns. */
	virtual void unmap(uint64_t iova, size_t len) = 0;
	/* Eventfd of MSI-X vector 0; stays the callee's. */
	virtual Result<int> interrupt() = 0;
	/* As mmap(2) on BAR 0, `offset` from its start. */
	virtual void *map_bar(void *address, size_t len, int protection, int flags, off_t offset) = 0;
};

} // namespace decouple

#endif
