/* SPDX-License-Identifier: GPL-2.0-only */
/* Another core, reserved and released again and again while the measurement runs: that must not be felt on the measured one. */
#ifndef DECOUPLE_TOOLS_CHURN_H
#define DECOUPLE_TOOLS_CHURN_H

#include <atomic>

#include "child.h"

namespace decouple::noise
{

class Churn
{
public:
	/*
	 * Once by way of trial, then in a process of its own. Errors: EOPNOTSUPP this program can't reserve cores here; EIO with what
	 * `decouple cores` says.
	 */
	static Result<Churn> start(int core);

	Churn(Churn &&other) noexcept : shared_(std::exchange(other.shared_, nullptr)), child_(std::move(other.child_)) {}
	Churn &operator=(Churn &&) = delete;
	/* Stops behind a release: the core is Linux's again. So it is when this process is killed. */
	~Churn();

	unsigned cycles() const { return shared_->cycles.load(); } /* a reserve and a release each */
	unsigned failed() const { return shared_->failed.load(); }

	struct Shared {
		std::atomic<unsigned> cycles, failed, stop;
	};

private:
	Churn() = default;
	Shared *shared_ = nullptr;
	bench::Child child_;
};

} // namespace decouple::noise

#endif
