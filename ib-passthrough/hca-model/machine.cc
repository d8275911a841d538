// SPDX-License-Identifier: GPL-2.0-only
// A device with its surroundings.

#include "hca-model/machine.h"

#include <sys/mman.h>
#include <unistd.h>

namespace decouple::hca
{

Result<std::unique_ptr<Machine>> Machine::start(int bar_file, std::unique_ptr<Wire> wire, const Knobs &knobs)
{
	void *bar = mmap(nullptr, Device::bar_size, PROT_READ | PROT_WRITE, MAP_SHARED, bar_file, 0);
	if (bar == MAP_FAILED)
		return fail_errno("map the BAR of the model");
	return std::unique_ptr<Machine>(new Machine(static_cast<uint8_t *>(bar), std::move(wire), knobs));
}

Machine::Machine(uint8_t *bar, std::unique_ptr<Wire> wire, const Knobs &knobs)
    : bar_(bar), wire_(std::move(wire)), device_(*this, MutableBytes(bar, Device::bar_size), *wire_, knobs)
{
	for (auto &interrupt : interrupts_)
		interrupt = -1;
	runner_.emplace(device_, map_, *wire_);
}

Machine::~Machine()
{
	runner_.reset();
	munmap(bar_, Device::bar_size);
}

void Machine::msix(unsigned vector)
{
	const uint64_t one = 1;
	const int fd = vector < vectors ? interrupts_[vector].load() : -1;
	/* A counter that is full, or an eventfd that its owner has closed: an interrupt more or less. */
	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0)
		return;
}

} // namespace decouple::hca
