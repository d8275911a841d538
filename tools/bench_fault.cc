// SPDX-License-Identifier: GPL-2.0-only
// Touching memory: a page that does not exist yet, one that does, and a huge one.

#include <algorithm>

#include "pair.h"
#include "region.h"
#include "suite.h"
#include "tsc.h"

namespace decouple::bench
{

namespace
{

constexpr unsigned rounds = 10, most_pages = 4096, most_huge_pages = 16; // of a batch
constexpr unsigned small_per_huge = 64; // samples: a huge page takes about that much longer, the kernel clears it
constexpr unsigned spin_us = 200; // what attach() uses when nobody asks

uint64_t timed_touch(char *address)
{
	uint64_t start = ticks();
	*static_cast<volatile char *>(address) = 1;
	return ticks() - start;
}

// arg: touches before the one that is timed.
int64_t touch_small(Channel &channel)
{
	Region region;
	for (uint64_t i = 0; i < channel.count; i++)
		channel.samples[i] = 0; // faults of the buffer come before the measurement
	if (int error = map_region(region, channel.count * small_page, false))
		return error;
	for (uint64_t touched = 0; touched <= channel.arg; touched++)
		for (uint64_t i = 0; i < channel.count; i++)
			channel.samples[i] = timed_touch(region.base + i * small_page);
	unmap_region(region);
	return 0;
}

// Keeps only the samples for which the kernel really gave a huge page.
int64_t touch_huge(Channel &channel)
{
	Region region;
	for (uint64_t i = 0; i < channel.count; i++)
		channel.samples[i] = 0;
	if (int error = map_region(region, channel.count * huge_page, true))
		return error;
	for (uint64_t i = 0; i < channel.count; i++)
		channel.samples[i] = timed_touch(region.base + i * huge_page);
	uint64_t kept = 0;
	for (uint64_t i = 0; i < channel.count; i++)
		if (is_huge(region.base + i * huge_page))
			channel.samples[kept++] = channel.samples[i];
	unmap_region(region);
	channel.count = kept;
	return kept ? 0 : -ENOMEM;
}

} // namespace

void bench_fault(const Options &options, Report &report)
{
	constexpr uint64_t calls = 3; // mmap, madvise, munmap
	WorkerPair pair = start_pair(options, most_pages, spin_us, report);
	std::vector<Variant> small, huge;
	add_pair(small, pair, "first_touch_4k", touch_small, 0, calls);
	add_pair(small, pair, "second_touch_4k", touch_small, 1, calls);
	add_pair(huge, pair, "first_touch_2m", touch_huge, 0, calls);
	interleave(small, std::max(rounds, options.samples / most_pages + 1), options, report);
	Options fewer = options;
	fewer.samples = std::max(1u, options.samples / small_per_huge);
	size_t before = report.notes.size();
	interleave(huge, std::max(rounds, fewer.samples / most_huge_pages + 1), fewer, report);
	if (report.notes.size() > before)
		report.notes.push_back(
			"huge pages need /sys/kernel/mm/transparent_hugepage/enabled = madvise or always, and free memory");
	for (const char *name : {"first_touch_4k", "second_touch_4k", "first_touch_2m"})
		add_pair_ratio(report, name);
}

} // namespace decouple::bench
