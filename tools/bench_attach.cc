// SPDX-License-Identifier: GPL-2.0-only
// Taking a running process: how long it takes, for how long the process stands still, what it costs the kernel in memory.

#include <pthread.h>
#include <sys/wait.h>
#include <time.h>

#include <algorithm>

#include "bare_vcpu.h"
#include "decoupled.h"
#include "meminfo.h"
#include "program.h"
#include "suite.h"
#include "tsc.h"

namespace decouple::bench
{

namespace
{

constexpr unsigned memory_rounds = 7, program_starts = 5, attaches_per_start = 4, extra_threads = 8;
constexpr unsigned program_settle_ms = 1000; // a heap all over the address space needs many windows

void pause_ms(unsigned ms)
{
	timespec pause = {ms / 1000, long(ms % 1000) * 1'000'000};
	nanosleep(&pause, nullptr);
}

void *sleep_until_stopped(void *channel)
{
	while (!static_cast<Channel *>(channel)->stop.load())
		pause_ms(2);
	return nullptr;
}

// The small process: a millisecond of work, a millisecond of sleep, so that attaches meet it in both. arg: further threads, asleep.
int64_t work_and_sleep(Channel &channel)
{
	pthread_t threads[extra_threads];
	uint64_t started = 0;
	while (started < std::min<uint64_t>(channel.arg, extra_threads) &&
	       !pthread_create(&threads[started], nullptr, sleep_until_stopped, &channel))
		started++;
	const auto millisecond = uint64_t(1e6 / ns_per_tick());
	while (!channel.stop.load()) {
		for (uint64_t start = ticks(); ticks() - start < millisecond;)
			;
		pause_ms(1);
	}
	for (uint64_t i = 0; i < started; i++)
		pthread_join(threads[i], nullptr);
	return started == channel.arg ? 0 : -EAGAIN;
}

AttachOptions attach_options(const Options &options, bool all)
{
	AttachOptions attach;
	attach.all = all;
	attach.cores = {options.cores.dedicated};
	attach.service_cores = {options.cores.service};
	return attach;
}

struct Times {
	std::vector<double> total_ns, stopped_ns;
	void add(const AttachReport &report)
	{
		total_ns.push_back(double(report.total_ns));
		stopped_ns.push_back(double(report.stopped_ns));
	}
};

// The attaching side is this process; the target keeps its ordinary priority, or its computing would delay the set-up beside it.
Result<AttachReport> attach_once(pid_t pid, const Options &options, bool all)
{
	if (options.rt)
		TRY(set_realtime(0, 1));
	auto report = decouple::attach(pid, attach_options(options, all));
	if (options.rt)
		set_realtime(0, 0);
	return report;
}

Result<> attach_small(Worker &target, const Options &options, Times &times)
{
	for (unsigned i = 0; i < options.samples; i++) {
		options.progress("attach " + std::to_string(i + 1) + " of " + std::to_string(options.samples));
		// Another phase of the target's work each time.
		timespec offset = {0, long(i % 16) * 130'000};
		nanosleep(&offset, nullptr);
		AttachReport report = TRY(attach_once(target.pid(), options, false));
		TRY(await_decoupled(target.pid()));
		times.add(report);
		TRY(recouple(target.pid(), {}));
	}
	return {};
}

// Growth of the kernel's memory by one attach, after a time in which the windows that the process needs have come.
Result<double> growth_kib(pid_t pid, const KernelMemory &memory, const Options &options, bool all)
{
	pause_ms(100); // what the last recouple freed is given back after a grace period
	double before = memory.kib();
	AttachReport report = TRY(attach_once(pid, options, all));
	TRY(await_decoupled(pid));
	pause_ms(100);
	double after = memory.kib();
	TRY(recouple(pid, {}));
	if (all && report.tids.size() != 1 + extra_threads)
		return fail(EIO, "of " + std::to_string(1 + extra_threads) + " threads " + std::to_string(report.tids.size()) +
					 " were decoupled");
	return after - before;
}

Result<> measure_memory(const Options &options, KernelMemory &memory, Report &report)
{
	Worker target = TRY(Worker::start("target with threads", 0, options.cores.service, false));
	memory.watch(target.pid());
	target.begin(work_and_sleep, 0, extra_threads);
	pause_ms(20);
	std::vector<double> one, further;
	for (unsigned i = 0; i < memory_rounds; i++) {
		options.progress("kernel memory, round " + std::to_string(i + 1) + " of " + std::to_string(memory_rounds));
		double alone = TRY(growth_kib(target.pid(), memory, options, false));
		double together = TRY(growth_kib(target.pid(), memory, options, true));
		one.push_back(alone);
		further.push_back((together - alone) / extra_threads);
	}
	target.stop();
	TRY(target.finish());
	if (median(one) <= 0)
		return fail(ENODATA, "the kernel's memory did not grow by an attach, " + memory.source());
	report.values.emplace_back("kernel_memory_kib", median(one));
	report.values.emplace_back("kernel_memory_per_thread_kib", median(further));
	report.notes.push_back(
		"kernel_memory_*: growth of the kernel's memory 100 ms after an attach, of node and java a second after; "
		"kernel_memory_per_thread_kib by each further thread; medians of " +
		std::to_string(memory_rounds) + " attaches of the small process, " + std::to_string(program_starts) +
		" of the others, whose own growth is in it: *_native_kib is that, in as long a time without an attach; " +
		memory.source());
	return {};
}

Result<> measure_bare_vcpu(const Options &options, KernelMemory &memory, Report &report)
{
	Worker worker = TRY(Worker::start("process with idle vCPUs", 0, options.cores.service, false));
	memory.watch(worker.pid());
	int64_t bytes = TRY(worker.run(bare_vcpu_bytes, 0, reinterpret_cast<uint64_t>(&memory)));
	report.values.emplace_back("kernel_memory_bare_vcpu_kib", double(bytes) / 1024);
	report.notes.push_back("kernel_memory_bare_vcpu_kib: a vCPU of an empty VM that ran one HLT in long mode: KVM's own "
			       "part of the row above");
	return {};
}

bool has_ended(pid_t pid)
{
	siginfo_t info = {};
	return !waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid == pid;
}

// What a program makes the kernel use by itself in the time in which attach_program() looks.
Result<double> native_growth(const Program &program, const Options &options, KernelMemory &memory)
{
	RunningProgram child = TRY(start_program(program, options.cores.service));
	memory.watch(child.pid());
	double before = memory.kib();
	pause_ms(program_settle_ms);
	return memory.kib() - before;
}

struct Growth {
	std::vector<double> attached, native;
};

/*
 * Each start of a program is attached several times, at other moments of its work. The first attach of a start also tells what it costs
 * in kernel memory: later ones find what the first left warm.
 */
Result<> attach_program(const Program &program, const Options &options, KernelMemory &memory, Times &times, Growth &growth)
{
	for (unsigned start = 0; times.total_ns.size() < options.samples && start < program_starts; start++) {
		options.progress(std::string(program.name) + ", start " + std::to_string(start + 1));
		growth.native.push_back(TRY(native_growth(program, options, memory)));
		RunningProgram child = TRY(start_program(program, options.cores.service));
		memory.watch(child.pid());
		double before = memory.kib();
		for (unsigned i = 0; i < attaches_per_start && times.total_ns.size() < options.samples; i++) {
			auto attached = attach_once(child.pid(), options, false);
			if (!attached && has_ended(child.pid()))
				break;
			AttachReport report = TRY(std::move(attached));
			TRY(await_decoupled(child.pid()));
			times.add(report);
			pause_ms(i == 0 ? program_settle_ms : 100);
			if (i == 0)
				growth.attached.push_back(memory.kib() - before);
			auto back = recouple(child.pid(), {});
			if (!back && has_ended(child.pid()))
				break;
			TRY(std::move(back));
			pause_ms(37);
		}
	}
	if (times.total_ns.empty())
		return fail(ESRCH, std::string(program.name) + " ended each time before it was attached");
	return {};
}

void add_times(Report &report, const std::string &suffix, Times times)
{
	report.add_row("attach_total" + suffix, std::move(times.total_ns));
	report.add_row("attach_stopped" + suffix, std::move(times.stopped_ns));
}

Result<> measure_small(const Options &options, Report &report)
{
	Worker target = TRY(Worker::start("target", 0, options.cores.service, false));
	target.begin(work_and_sleep, 0);
	Times times;
	TRY(attach_small(target, options, times));
	target.stop();
	TRY(target.finish());
	add_times(report, "", std::move(times));
	return {};
}

} // namespace

void bench_attach(const Options &options, Report &report)
{
	KernelMemory memory;
	ns_per_tick(); // in the forks it is then known
	report.notes.push_back(
		"targets are pinned to the service core before the attach, at ordinary priority; node and java: main thread");
	if (auto measured = measure_small(options, report); !measured)
		return report.add_failure("attach_total and all that follows", measured.error());
	if (auto measured = measure_memory(options, memory, report); !measured)
		report.add_failure("kernel_memory_kib", measured.error());
	if (auto measured = measure_bare_vcpu(options, memory, report); !measured)
		report.add_failure("kernel_memory_bare_vcpu_kib", measured.error());
	for (const Program &program : programs()) {
		Times times;
		Growth growth;
		std::string suffix = std::string("_") + program.name;
		const char *needed =
			program.source ? "javac" : program.name; // java runs a source file only where it can compile it
		if (!installed(needed)) {
			report.notes.push_back("attach_total" + suffix + ": " + needed + " is not installed");
			continue;
		}
		if (auto measured = attach_program(program, options, memory, times, growth); !measured) {
			report.add_failure("attach_total" + suffix, measured.error());
			continue;
		}
		add_times(report, suffix, std::move(times));
		report.values.emplace_back("kernel_memory" + suffix + "_kib", median(growth.attached));
		report.values.emplace_back("kernel_memory" + suffix + "_native_kib", median(growth.native));
	}
}

} // namespace decouple::bench
