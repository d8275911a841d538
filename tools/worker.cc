// SPDX-License-Identifier: GPL-2.0-only
// The worker's loop and the bench's side of the channel.

#include "worker.h"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <climits>

#include "placement.h"

namespace decouple::bench
{

namespace
{

constexpr size_t header_size = 4096;
static_assert(sizeof(Channel) <= header_size);

size_t mapping_size(size_t capacity)
{
	return header_size + capacity * sizeof(uint64_t);
}

// Shared between processes: no FUTEX_PRIVATE_FLAG.
void futex_wait(std::atomic<uint32_t> &word, uint32_t seen, const timespec *timeout)
{
	syscall(SYS_futex, &word, FUTEX_WAIT, seen, timeout, nullptr, 0);
}

void futex_wake(std::atomic<uint32_t> &word)
{
	syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

void serve(Channel &channel)
{
	for (uint32_t seen = 0;;) {
		while (channel.request.load() == seen)
			futex_wait(channel.request, seen, nullptr);
		seen = channel.request.load();
		if (!channel.job)
			return;
		channel.result = channel.job(channel);
		channel.done.store(seen);
		futex_wake(channel.done);
	}
}

uint64_t now_ms()
{
	timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return uint64_t(now.tv_sec) * 1000 + uint64_t(now.tv_nsec) / 1'000'000;
}

} // namespace

Result<Worker> Worker::start(const std::string &what, size_t capacity, int core, bool rt)
{
	void *memory = mmap(nullptr, mapping_size(capacity), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return fail_errno("cannot map " + std::to_string(capacity) + " samples for " + what +
				  "; ask for fewer with --samples");
	Worker worker;
	worker.what_ = what;
	worker.channel_ = new (memory) Channel{};
	worker.channel_->capacity = capacity;
	worker.channel_->samples = reinterpret_cast<uint64_t *>(static_cast<char *>(memory) + header_size);
	Channel &channel = *worker.channel_;
	auto prepare = [&] {
		// Supervisors of this worker are its siblings; with Yama only ancestors might trace it. EINVAL without Yama.
		prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
		if (auto pinned = pin(0, core); !pinned)
			return pinned.error().code;
		if (auto raised = set_realtime(0, rt ? 1 : 0); !raised)
			return raised.error().code;
		return 0;
	};
	worker.child_ = TRY(Child::start(what, prepare, [&] { serve(channel); }));
	// Workers forked later must not inherit this one's samples: what an attach costs would depend on the bench.
	madvise(memory, mapping_size(capacity), MADV_DONTFORK);
	return worker;
}

Worker &Worker::operator=(Worker &&other) noexcept
{
	std::swap(what_, other.what_);
	std::swap(channel_, other.channel_);
	std::swap(child_, other.child_);
	return *this;
}

Worker::~Worker()
{
	child_.kill();
	if (channel_)
		munmap(channel_, mapping_size(channel_->capacity));
}

void Worker::begin(Job job, uint64_t count, uint64_t arg)
{
	channel_->job = job;
	channel_->count = count;
	channel_->arg = arg;
	channel_->stop.store(0);
	channel_->request.fetch_add(1);
	futex_wake(channel_->request);
}

Result<int64_t> Worker::finish(unsigned timeout_ms)
{
	uint64_t deadline = now_ms() + timeout_ms;
	for (;;) {
		uint32_t done = channel_->done.load();
		if (done == channel_->request.load())
			break;
		// Slices, so that a worker that died is noticed.
		timespec slice = {0, 100'000'000};
		futex_wait(channel_->done, done, &slice);
		std::string how;
		if (channel_->done.load() == done && !child_.alive(how))
			return fail(ECHILD, what_ + " ended during a job (" + how + ")");
		if (channel_->done.load() == done && now_ms() > deadline) {
			child_.kill();
			return fail(ETIMEDOUT,
				    what_ + " did not finish a job within " + std::to_string(timeout_ms / 1000) + " s");
		}
	}
	if (channel_->result < 0)
		return fail(int(-channel_->result), what_ + ": " + std::strerror(int(-channel_->result)));
	return channel_->result;
}

Result<int64_t> Worker::run(Job job, uint64_t count, uint64_t arg, unsigned timeout_ms)
{
	if (count > channel_->capacity)
		return fail(EOVERFLOW, what_ + ": no room for " + std::to_string(count) + " samples");
	begin(job, count, arg);
	return finish(timeout_ms);
}

} // namespace decouple::bench
