// SPDX-License-Identifier: GPL-2.0-only
// The device's thread.

#include "hca-model/runner.h"

#include "quiet_thread.h"

namespace decouple::hca
{
namespace
{

/*
 * Steps without work before the thread sleeps, and for how long: the price is the latency of a doorbell that nobody awaited. Few, for programs
 * that poll leave the scheduler little to give, and who sleeps gets it when a packet comes.
 */
constexpr unsigned spins = 20;
constexpr uint64_t nap_ns = 50000;

} // namespace

Runner::Runner(Device &device, DmaMap &map, Wire &wire) : device_(device), map_(map), wire_(wire)
{
	thread_ = quiet_thread([this] { run(); });
}

Runner::~Runner()
{
	stop_ = true;
	thread_.join();
}

void Runner::run()
{
	unsigned idle = 0;
	while (!stop_.load(std::memory_order_relaxed)) {
		bool busy;
		{
			const auto lock = map_.use();
			busy = device_.step();
		}
		idle = busy ? 0 : idle + 1;
		if (idle > spins)
			wire_.wait(nap_ns);
	}
}

} // namespace decouple::hca
