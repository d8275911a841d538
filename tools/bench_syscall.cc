// SPDX-License-Identifier: GPL-2.0-only
// What a system call costs: native, decoupled, and by the mechanisms that Linux offers for having it executed by somebody else.

#include <sys/syscall.h>

#include <memory>

#include "pair.h"
#include "peer.h"
#include "suite.h"
#include "tsc.h"

namespace decouple::bench
{

namespace
{

constexpr unsigned rounds = 10;
// Longer than any batch takes: the home thread never sleeps while the worker measures.
constexpr unsigned spin_us = 1'000'000;

long raw_getpid()
{
	long result;
	asm volatile("syscall" : "=a"(result) : "0"(long(SYS_getpid)) : "rcx", "r11", "memory");
	return result;
}

void add(Report &report, std::vector<Variant> &variants, const std::string &name, Result<Variant> variant)
{
	if (variant)
		variants.push_back(std::move(*variant));
	else
		report.notes.push_back(name + ": " + variant.error().what + " (errno " + std::to_string(variant.error().code) +
				       ")");
}

Result<Variant> native_variant(const Options &options, size_t capacity)
{
	auto worker =
		std::make_shared<Worker>(TRY(Worker::start("native worker", capacity, options.cores.dedicated, options.rt)));
	return Variant{.name = "native", .take = [worker](unsigned share, std::vector<double> &samples_ns) {
			       return take_samples(*worker, measure_getpid, share, uint64_t(worker->pid()), samples_ns);
		       }};
}

Result<Variant> decoupled_variant(const Options &options, size_t capacity)
{
	auto twin = TRY(DecoupledWorker::start(options, capacity, spin_us));
	return Variant{.name = "decoupled",
		       .take =
			       [twin](unsigned share, std::vector<double> &samples_ns) {
				       return twin->session->take(measure_getpid, share, uint64_t(twin->worker.pid()),
								  share + getpid_warm_up, samples_ns);
			       },
		       .subject = true};
}

} // namespace

int64_t measure_getpid(Channel &channel)
{
	const uint64_t count = channel.count;
	uint64_t *samples = channel.samples, wrong = 0;
	for (uint64_t i = 0; i < count; i++)
		samples[i] = 0; // no page of the buffer may be missing later
	for (uint64_t i = 0; i < getpid_warm_up; i++)
		raw_getpid();
	for (uint64_t i = 0; i < count; i++) {
		uint64_t start = ticks();
		long answer = raw_getpid();
		samples[i] = ticks() - start;
		wrong += answer != long(channel.arg);
	}
	return wrong ? -EPROTO : 0;
}

void bench_syscall(const Options &options, Report &report)
{
	size_t capacity = round_capacity(options, std::min(rounds, options.samples));
	std::vector<Variant> variants;
	add(report, variants, "native", native_variant(options, capacity));
	if (auto decoupled = decoupled_variant(options, capacity); decoupled)
		variants.push_back(std::move(*decoupled));
	else
		report.add_failure("decoupled", decoupled.error());
	add(report, variants, "sud", sud_variant(options, capacity));
	add(report, variants, "seccomp_notify_same", seccomp_variant(true, options, capacity, report.notes));
	add(report, variants, "seccomp_notify_other", seccomp_variant(false, options, capacity, report.notes));
	add(report, variants, "ptrace_same", ptrace_variant(true, options, capacity));
	add(report, variants, "ptrace_other", ptrace_variant(false, options, capacity));
	interleave(variants, rounds, options, report);
	for (const char *peer : {"native", "sud", "seccomp_notify_same", "seccomp_notify_other", "ptrace_same", "ptrace_other"})
		report.add_ratio(std::string("decoupled/") + peer, "decoupled", peer);
}

} // namespace decouple::bench
