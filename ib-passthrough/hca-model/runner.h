/* SPDX-License-Identifier: GPL-2.0-only */
/* The thread that turns a device. */
#ifndef DECOUPLE_HCA_RUNNER_H
#define DECOUPLE_HCA_RUNNER_H

#include <atomic>
#include <thread>

#include "hca-model/device.h"
#include "hca-model/dma_map.h"

namespace decouple::hca
{

/* All of them must outlive it. */
class Runner
{
public:
	Runner(Device &device, DmaMap &map, Wire &wire);
	/* The device has made its last step after this. */
	~Runner();

private:
	void run();

	Device &device_;
	DmaMap &map_;
	Wire &wire_;
	std::atomic<bool> stop_ = false;
	std::thread thread_;
};

} // namespace decouple::hca

#endif
