/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A worker: a forked, pinned process that runs jobs for the bench and measures itself into memory that both see.
 *
 * A job is one function of this program. It is the same machine code whether its worker runs natively, is supervised by a peer
 * mechanism, or is decoupled; only what surrounds the worker differs. Between jobs a worker sleeps in futex(2), so it does not
 * disturb the others while they have their turn.
 */
#ifndef DECOUPLE_TOOLS_WORKER_H
#define DECOUPLE_TOOLS_WORKER_H

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "child.h"

namespace decouple::bench
{

struct Channel;
/* Result >= 0, or -errno. */
using Job = int64_t (*)(Channel &);

/* The memory between bench and worker; sample space follows it. */
struct Channel {
	std::atomic<uint32_t> request; /* incremented by the bench after the fields below; the worker's futex */
	std::atomic<uint32_t> done; /* set to request by the worker after `result`; the bench's futex */
	std::atomic<uint32_t> stop; /* asks an endless job to return */
	Job job; /* nullptr: end */
	uint64_t count; /* samples to take */
	uint64_t arg; /* the job's own */
	int64_t result;
	uint64_t capacity;
	uint64_t *samples; /* ticks; the same address in both, since the worker is a fork */
};

class Worker
{
public:
	/* rt: SCHED_RR 1. Error EPERM when that is not permitted. */
	static Result<Worker> start(const std::string &what, size_t capacity, int core, bool rt);

	Worker() = default;
	Worker(Worker &&other) noexcept
	    : what_(std::move(other.what_)), channel_(std::exchange(other.channel_, nullptr)), child_(std::move(other.child_))
	{
	}
	Worker &operator=(Worker &&other) noexcept;
	~Worker();

	pid_t pid() const { return child_.pid(); }
	const std::string &what() const { return what_; }

	/* Runs a job to its end. A worker that does not finish in time is killed. */
	Result<int64_t> run(Job job, uint64_t count, uint64_t arg = 0, unsigned timeout_ms = 30000);
	/* The two halves of run(), for jobs that run until they are stopped. */
	void begin(Job job, uint64_t count, uint64_t arg = 0);
	Result<int64_t> finish(unsigned timeout_ms = 30000);
	void stop() { channel_->stop.store(1); }

	std::span<const uint64_t> samples() const { return {channel_->samples, size_t(channel_->count)}; }

private:
	std::string what_;
	Channel *channel_ = nullptr;
	Child child_;
};

} // namespace decouple::bench

#endif
