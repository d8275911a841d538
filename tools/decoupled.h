/* SPDX-License-Identifier: GPL-2.0-only */
/* A worker that is decoupled, and the proof that it was while it measured. */
#ifndef DECOUPLE_TOOLS_DECOUPLED_H
#define DECOUPLE_TOOLS_DECOUPLED_H

#include "session.h"
#include "variant.h"

namespace decouple::bench
{

class Decoupled
{
public:
	/* Attaches to `worker`, which must outlive this, waits until its main thread runs in the guest, raises priorities. */
	static Result<Decoupled> attach(Worker &worker, const Options &options, unsigned home_spin_us,
					Reflector reflector = Reflector::automatic);

	Decoupled(Decoupled &&other) noexcept : worker_(std::exchange(other.worker_, nullptr)), rt_(other.rt_) {}
	Decoupled &operator=(Decoupled &&) = delete;
	/* Gives the worker back; it is killed if that fails. */
	~Decoupled();

	/*
	 * As take_samples(), or an error: when the worker is not decoupled before and after the job, or when fewer than `calls`
	 * system calls were reflected meanwhile. A figure of a worker that fell back to native execution would be a lie.
	 */
	Result<> take(Job job, unsigned share, uint64_t arg, uint64_t calls, std::vector<double> &samples_ns);
	/* As Worker::run(), with the same check. */
	Result<int64_t> run(Job job, uint64_t count, uint64_t arg, uint64_t calls, unsigned timeout_ms = 30000);

	pid_t pid() const { return worker_->pid(); }

private:
	Decoupled(Worker &worker, bool rt) : worker_(&worker), rt_(rt) {}
	Worker *worker_;
	bool rt_;
};

/* The session of a process's main thread, once it is in state `decoupled`; waits up to a second for that. */
Result<SessionInfo> await_decoupled(pid_t pid);

/* SCHED_RR for every thread of a process with a resident, its manager one above: it acts only when asked, and must get through. */
Result<> raise_priorities(pid_t pid);
/* All back to SCHED_OTHER. */
void drop_priorities(pid_t pid);

} // namespace decouple::bench

#endif
