// SPDX-License-Identifier: GPL-2.0-only
// Pure user code: what it loses by running in the guest.

#include <algorithm>

#include "kernels.h"
#include "pair.h"
#include "region.h"
#include "suite.h"
#include "tsc.h"

namespace decouple::bench
{

namespace
{

constexpr unsigned rounds = 20, most_blocks = 64; // of a batch
// Nothing calls; a spinning home thread would only compete, on a sibling hyperthread most of all.
constexpr unsigned spin_us = 20;

enum Kernel : uint64_t { random_4k, random_thp, dgemm, hash, kernel_count };
constexpr const char *names[] = {"random_4k", "random_thp", "dgemm", "hash"};

// Filled before the workers are forked, and only read after (the matrices are shared): both work on the same physical pages. With
// pages of their own, random_4k of two native workers differed by up to 9 %, mostly in favour of the second; why was not found out.
Region memory[2];
Vectors vectors;
uint64_t expected[kernel_count][most_blocks];

uint64_t block(uint64_t kernel, uint64_t k)
{
	switch (kernel) {
	case random_4k:
	case random_thp:
		return random_block(memory[kernel == random_thp].base, k);
	case dgemm:
		return dgemm_block(vectors);
	default:
		return hash_block(k);
	}
}

// Reads every page, so that the worker's page tables, and the guest's, are complete.
int64_t touch_all(Channel &)
{
	for (const Region &region : memory)
		for (size_t at = 0; at < region.size; at += small_page)
			static_cast<void>(static_cast<volatile char *>(region.base)[at]);
	return 0;
}

// arg: the kernel. Each result must be what the bench itself got for that block.
int64_t measure_blocks(Channel &channel)
{
	for (uint64_t i = 0; i < channel.count; i++)
		channel.samples[i] = 0;
	block(channel.arg, 0); // warms the caches and is not recorded
	for (uint64_t i = 0; i < channel.count; i++) {
		uint64_t start = ticks();
		uint64_t result = block(channel.arg, i);
		channel.samples[i] = ticks() - start;
		if (result != expected[channel.arg][i])
			return -EILSEQ;
	}
	return 0;
}

// Maps and fills; the number of huge pages that the kernel gave.
Result<size_t> prepare_memory()
{
	size_t given = 0;
	for (bool huge : {false, true}) {
		if (int error = map_region(memory[huge], random_bytes, huge))
			return fail(-error, std::string("cannot map 64 MiB: ") + std::strerror(-error));
		for (size_t at = 0; huge && at < random_bytes; at += huge_page) {
			memory[huge].base[at] = 1;
			given += is_huge(memory[huge].base + at);
		}
		fill_random(memory[huge].base);
	}
	return given;
}

// The kernels that can run here, with their results in `expected`.
std::vector<Kernel> prepare_kernels(size_t huge_pages, Report &report)
{
	constexpr size_t all = random_bytes / huge_page;
	std::vector<Kernel> kernels;
	for (Kernel kernel : {random_4k, random_thp, dgemm, hash}) {
		if (kernel == random_thp && huge_pages != all) {
			report.notes.push_back("random_thp: the kernel gave " + std::to_string(huge_pages) + " of " +
					       std::to_string(all) +
					       " huge pages; see /sys/kernel/mm/transparent_hugepage/enabled");
			continue;
		}
		if (kernel == dgemm && vectors == Vectors::none) {
			report.notes.push_back("dgemm: this CPU has neither AVX-512 nor AVX2 with FMA");
			continue;
		}
		for (unsigned k = 0; k < most_blocks; k++)
			expected[kernel][k] = block(kernel, k);
		kernels.push_back(kernel);
	}
	return kernels;
}

} // namespace

void bench_compute(const Options &options, Report &report)
{
	options.progress("filling memory");
	vectors = best_vectors();
	if (int error = prepare_dgemm())
		return report.add_failure("dgemm", {-error, "cannot map the matrices"});
	auto huge_pages = prepare_memory();
	if (!huge_pages)
		return report.add_failure("compute", huge_pages.error());
	report.notes.push_back("a sample is a block of fixed work: " + std::to_string(random_accesses) +
			       " dependent loads over 64 MiB; a " + std::to_string(dgemm_size) + "-square dgemm" +
			       (vectors == Vectors::avx512 ? " (AVX-512)"
				: vectors == Vectors::avx2 ? " (AVX2 and FMA)"
							   : "") +
			       "; " + std::to_string(hash_steps) + " steps of an integer hash");
	report.notes.push_back("every result was compared with the one that the bench itself computes");
	std::vector<Kernel> kernels = prepare_kernels(*huge_pages, report);
	WorkerPair pair = start_pair(options, most_blocks, spin_us, report);
	if (pair.native)
		if (auto touched = pair.native->run(touch_all, 0); !touched)
			return report.add_failure("native", touched.error());
	if (pair.decoupled)
		if (auto touched = pair.decoupled->session->run(touch_all, 0, 0, 0); !touched)
			return report.add_failure("decoupled", touched.error());
	std::vector<Variant> variants;
	for (Kernel kernel : kernels)
		add_pair(variants, pair, names[kernel], measure_blocks, kernel, 0);
	interleave(variants, std::max(rounds, options.samples / most_blocks + 1), options, report);
	for (const char *name : names)
		add_pair_ratio(report, name);
	for (Region &region : memory)
		unmap_region(region);
}

} // namespace decouple::bench
