/* SPDX-License-Identifier: GPL-2.0-only */
/* A device that is plugged in and runs: its BAR in a file, its IOMMU, its interrupts as eventfds. What front ends build on. */
#ifndef DECOUPLE_HCA_MACHINE_H
#define DECOUPLE_HCA_MACHINE_H

#include <array>
#include <atomic>
#include <memory>

#include "base/result.h"
#include "hca-model/runner.h"

namespace decouple::hca
{

class Machine : public Bus
{
public:
	static constexpr unsigned vectors = 32;

	/* The BAR is at the start of `bar_file`, which stays the caller's and is large enough. */
	static Result<std::unique_ptr<Machine>> start(int bar_file, std::unique_ptr<Wire> wire, const Knobs &knobs);
	~Machine() override;

	DmaMap &map() { return map_; }
	uint16_t lid() const { return wire_->lid(); }
	/* -1: nobody is told. The eventfd stays the caller's. */
	void set_interrupt(unsigned vector, int event_fd) { interrupts_.at(vector) = event_fd; }

	void *dma(uint64_t iova, uint64_t len) override { return map_.find(iova, len); }
	void msix(unsigned vector) override;

private:
	Machine(uint8_t *bar, std::unique_ptr<Wire> wire, const Knobs &knobs);

	DmaMap map_;
	std::array<std::atomic<int>, vectors> interrupts_;
	uint8_t *const bar_; /* mapping of Device::bar_size */
	const std::unique_ptr<Wire> wire_;
	Device device_;
	std::optional<Runner> runner_;
};

} // namespace decouple::hca

#endif
