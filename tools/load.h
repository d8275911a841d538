/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Load for the service cores: what a node does beside the program whose quiet is measured. It must not reach the measured core.
 *
 * A load is a process of its own that ends with this one, whatever happens, and its threads with it.
 */
#ifndef DECOUPLE_TOOLS_LOAD_H
#define DECOUPLE_TOOLS_LOAD_H

#include <atomic>
#include <string>
#include <vector>

#include "child.h"

namespace decouple::noise
{

class Load
{
public:
	/*
	 * ipc: 10 senders and 10 receivers that exchange messages over socket pairs, as hackbench does. cache: a file of 32 MiB is written, read, and
	 * dropped from the page cache. net: two TCP streams over the loopback interface. Errors: EINVAL no such load; what prevents it.
	 * Returns when it has begun to work.
	 */
	static Result<Load> start(const std::string &name, const std::vector<int> &cores);

	Load(Load &&other) noexcept
	    : name_(std::move(other.name_)), shared_(std::exchange(other.shared_, nullptr)), child_(std::move(other.child_))
	{
	}
	Load &operator=(Load &&) = delete;
	~Load();

	const std::string &name() const { return name_; }
	/* Messages, pages or packets so far. */
	uint64_t operations() const { return shared_->operations.load(); }
	/* Error ECHILD: it ended, and why. */
	Result<> check();

	struct Shared { /* between this process and the load's */
		std::atomic<uint64_t> operations;
		std::atomic<int> error; /* errno that ended it */
	};

private:
	Load() = default;
	std::string name_;
	Shared *shared_ = nullptr;
	bench::Child child_;
};

/* "ipc,cache,net": error EINVAL for an unknown or repeated one. */
Result<std::vector<std::string>> parse_loads(const std::string &text);

} // namespace decouple::noise

#endif
