// SPDX-License-Identifier: GPL-2.0-only
// PTRACE_SYSEMU: each system call stops the worker, its tracer sets the result and lets it go on.

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <csignal>
#include <cstddef>
#include <memory>

#include "peer.h"

namespace decouple::bench
{

namespace
{

// The worker also makes calls that must be executed, such as waiting for its next job. A breakpoint on either side of the
// measurement tells the tracer when to emulate.
int64_t measure(Channel &channel)
{
	asm volatile("int3" : : : "memory");
	int64_t result = measure_getpid(channel);
	asm volatile("int3" : : : "memory");
	return result;
}

void trace(pid_t pid)
{
	bool emulate = false;
	for (;;) {
		int status;
		if (waitpid(pid, &status, __WALL) < 0) {
			if (errno == EINTR)
				continue;
			return;
		}
		if (!WIFSTOPPED(status))
			return;
		long signal = 0;
		if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			user_regs_struct regs;
			ptrace(PTRACE_GETREGS, pid, nullptr, &regs);
			if (regs.orig_rax == SYS_getpid)
				ptrace(PTRACE_POKEUSER, pid, offsetof(user, regs.rax), long(pid));
			// Any other call keeps the -ENOSYS that the kernel put there, and the job notices.
		} else if (WSTOPSIG(status) == SIGTRAP && !(status >> 16)) {
			emulate = !emulate;
		} else if (!(status >> 16)) {
			signal = WSTOPSIG(status);
		}
		ptrace(emulate ? PTRACE_SYSEMU : PTRACE_CONT, pid, nullptr, signal);
	}
}

// Declared in this order: the tracer ends first and thereby detaches.
struct Pair {
	Worker worker;
	Child tracer;
};

} // namespace

Result<Variant> ptrace_variant(bool same_core, const Options &options, size_t capacity)
{
	std::string name = same_core ? "ptrace_same" : "ptrace_other";
	auto pair = std::make_shared<Pair>();
	pair->worker = TRY(Worker::start(name + " worker", capacity, options.cores.dedicated, options.rt));
	pid_t pid = pair->worker.pid();
	int core = same_core ? options.cores.dedicated : options.cores.service;
	auto prepare = [&] {
		if (auto pinned = pin(0, core); !pinned)
			return pinned.error().code;
		if (auto raised = set_realtime(0, options.rt ? 1 : 0); !raised)
			return raised.error().code;
		return ptrace(PTRACE_SEIZE, pid, nullptr, PTRACE_O_TRACESYSGOOD) ? errno : 0;
	};
	pair->tracer = TRY(Child::start(name + " tracer", prepare, [&] { trace(pid); }));
	return Variant{.name = name, .take = [pair](unsigned share, std::vector<double> &samples_ns) {
			       return take_samples(pair->worker, measure, share, uint64_t(pair->worker.pid()), samples_ns);
		       }};
}

} // namespace decouple::bench
