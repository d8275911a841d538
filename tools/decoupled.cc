// SPDX-License-Identifier: GPL-2.0-only
// Attaching to a worker, and checking that it stayed decoupled.

#include "decoupled.h"

#include <time.h>

#include <csignal>

namespace decouple::bench
{

namespace
{

Result<SessionInfo> session_of(pid_t pid)
{
	for (const ThreadStatus &thread : TRY(status(pid)))
		if (thread.tid == pid)
			return thread.info;
	return fail(ENOENT, "process " + std::to_string(pid) + " has no session for its main thread");
}

} // namespace

Result<SessionInfo> await_decoupled(pid_t pid)
{
	SessionInfo info = {};
	for (int i = 0; i < 1000; i++) {
		info = TRY(session_of(pid));
		if (info.state == SessionState::decoupled)
			return info;
		timespec pause = {0, 1'000'000};
		nanosleep(&pause, nullptr);
	}
	return fail(ETIMEDOUT, "thread " + std::to_string(pid) + " is not decoupled but " + state_name(info.state) + ": " +
				       reason_text(info.reason));
}

Result<> raise_priorities(pid_t pid)
{
	Control control = TRY(read_control(pid));
	for (pid_t tid : threads_of(pid))
		// Kernel threads of KVM are in this list as well; they are nobody's side and may refuse.
		if (auto raised = set_realtime(tid, tid == control.manager_tid ? 2 : 1);
		    !raised && raised.error().code != EINVAL)
			return raised;
	return {};
}

void drop_priorities(pid_t pid)
{
	for (pid_t tid : threads_of(pid))
		set_realtime(tid, 0);
}

Result<Decoupled> Decoupled::attach(Worker &worker, const Options &options, unsigned home_spin_us, Reflector reflector)
{
	AttachOptions attach_options;
	attach_options.cores = {options.cores.dedicated};
	attach_options.service_cores = {options.cores.service};
	attach_options.home_spin_us = home_spin_us;
	attach_options.reflector = reflector;
	// Without real-time priority while it is attached: the threads of the set-up share the dedicated core with the worker.
	drop_priorities(worker.pid());
	TRY(decouple::attach(worker.pid(), attach_options));
	Decoupled decoupled(worker, options.rt);
	TRY(await_decoupled(worker.pid()));
	if (options.rt)
		TRY(raise_priorities(worker.pid()));
	return decoupled;
}

Decoupled::~Decoupled()
{
	if (!worker_ || !worker_->pid())
		return;
	if (rt_)
		drop_priorities(worker_->pid());
	if (!recouple(worker_->pid(), {}))
		kill(worker_->pid(), SIGKILL);
}

Result<int64_t> Decoupled::run(Job job, uint64_t count, uint64_t arg, uint64_t calls, unsigned timeout_ms)
{
	SessionInfo before = TRY(await_decoupled(pid()));
	int64_t result = TRY(worker_->run(job, count, arg, timeout_ms));
	SessionInfo after = TRY(await_decoupled(pid()));
	if (after.syscalls - before.syscalls < calls)
		return fail(EIO, "only " + std::to_string(after.syscalls - before.syscalls) + " of " + std::to_string(calls) +
					 " system calls were reflected: the worker did not stay decoupled");
	return result;
}

Result<> Decoupled::take(Job job, unsigned share, uint64_t arg, uint64_t calls, std::vector<double> &samples_ns)
{
	TRY(run(job, share, arg, calls));
	append_samples(*worker_, samples_ns);
	return {};
}

} // namespace decouple::bench
