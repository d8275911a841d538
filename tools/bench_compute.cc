// SPDX-License-Identifier: GPL-2.0-only
// Pure user code: what it loses by running in the guest.

#include "kernels.h"
#include "pair.h"
#include "region.h"
#include "suite.h"
#include "tsc.h"

namespace decouple::bench {

namespace {

constexpr unsigned rounds = 20;
constexpr unsigned spin_us = 20; // nothing calls; a spinning home thread would only compete, on a sibling hyperthread most of all

enum Kernel : uint64_t { random_4k, random_thp, dgemm, hash };
constexpr const char *names[] = {"random_4k", "random_thp", "dgemm", "hash"};

// Of the worker; mapped by its first job, so that both workers fill their memory in the mode in which they will use it.
Region memory[2];
Vectors vectors; // set before the forks

int64_t prepare(Channel &)
{
	for (bool huge : {false, true}) {
		if (int error = map_region(memory[huge], random_bytes, huge))
			return error;
		size_t given = 0;
		for (size_t at = 0; huge && at < random_bytes; at += huge_page) {
			memory[huge].base[at] = 1;
			given += is_huge(memory[huge].base + at);
		}
		fill_random(memory[huge].base);
		if (huge)
			return int64_t(given);
	}
	return 0;
}

uint64_t block(uint64_t kernel)
{
	switch (kernel) {
	case random_4k:
	case random_thp:
		return random_block(memory[kernel == random_thp].base);
	case dgemm:
		return dgemm_block(vectors);
	default:
		return hash_block();
	}
}

// arg: the kernel. Returns the result of a block, of which all must be the same.
int64_t measure_blocks(Channel &channel)
{
	uint64_t expected = block(channel.arg); // warms the caches and is not recorded
	for (uint64_t i = 0; i < channel.count; i++)
		channel.samples[i] = 0;
	for (uint64_t i = 0; i < channel.count; i++) {
		uint64_t start = ticks();
		uint64_t result = block(channel.arg);
		channel.samples[i] = ticks() - start;
		if (result != expected)
			return -EILSEQ;
	}
	return int64_t(expected >> 1);
}

Result<> check_result(int64_t expected, int64_t result)
{
	if (result != expected)
		return fail(EILSEQ, "the result differs from that of the native worker");
	return {};
}

void add_kernel(std::vector<Variant> &variants, const WorkerPair &pair, Kernel kernel, int64_t expected)
{
	std::string name = names[kernel];
	variants.push_back({.name = name + "_native",
			    .take =
				    [=, worker = pair.native](unsigned share, std::vector<double> &samples_ns) -> Result<> {
					    TRY(check_result(expected, TRY(worker->run(measure_blocks, share, kernel))));
					    append_samples(*worker, samples_ns);
					    return {};
				    },
			    .subject = true});
	if (!pair.decoupled)
		return;
	variants.push_back({.name = name + "_decoupled",
			    .take =
				    [=, twin = pair.decoupled](unsigned share, std::vector<double> &samples_ns) -> Result<> {
					    TRY(check_result(expected, TRY(twin->session->run(measure_blocks, share, kernel, 0))));
					    append_samples(twin->worker, samples_ns);
					    return {};
				    },
			    .subject = true});
}

} // namespace

void bench_compute(const Options &options, Report &report)
{
	vectors = best_vectors();
	report.notes.push_back("a sample is a block of fixed work: " + std::to_string(random_accesses) + " dependent loads over 64 MiB; a " +
			       std::to_string(dgemm_size) + "-square dgemm (" +
			       (vectors == Vectors::avx512 ? "AVX-512" : "AVX2 and FMA") + "); " + std::to_string(hash_steps) +
			       " steps of an integer hash");
	unsigned turns = std::min(rounds, options.samples);
	WorkerPair pair = start_pair(options, options.samples / turns + 1, spin_us, report);
	if (!pair.native)
		return;
	auto native_pages = pair.native->run(prepare, 0);
	auto decoupled_pages = pair.decoupled ? pair.decoupled->session->run(prepare, 0, 0, 2) : native_pages;
	for (auto *pages : {&native_pages, &decoupled_pages})
		if (!*pages)
			return report.add_failure("prepare", pages->error());
	constexpr int64_t all = random_bytes / huge_page;
	std::vector<Variant> variants;
	for (Kernel kernel : {random_4k, random_thp, dgemm, hash}) {
		std::string name = names[kernel];
		if (kernel == random_thp && (*native_pages != all || *decoupled_pages != all)) {
			report.notes.push_back(name + ": of " + std::to_string(all) + " huge pages the kernel gave " +
					       std::to_string(*native_pages) + " natively, " + std::to_string(*decoupled_pages) +
					       " decoupled; see /sys/kernel/mm/transparent_hugepage/enabled");
			continue;
		}
		if (kernel == dgemm && vectors == Vectors::none) {
			report.notes.push_back(name + ": this CPU has neither AVX-512 nor AVX2 with FMA");
			continue;
		}
		auto expected = pair.native->run(measure_blocks, 0, kernel);
		if (!expected)
			return report.add_failure(name, expected.error());
		add_kernel(variants, pair, kernel, *expected);
	}
	interleave(variants, rounds, options, report);
	for (const char *name : names)
		add_pair_ratio(report, name);
}

} // namespace decouple::bench
