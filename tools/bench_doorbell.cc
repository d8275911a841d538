// SPDX-License-Identifier: GPL-2.0-only
// Stores to a register of a device, native and decoupled: one by one, and in bursts as of a driver that submits without pause.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "pair.h"
#include "suite.h"
#include "tsc.h"

namespace decouple::bench
{

namespace
{

constexpr unsigned rounds = 20, most_samples = 4096; // of a batch
constexpr unsigned burst = 16;
constexpr unsigned spin_us = 200; // what attach() uses when nobody asks
constexpr size_t page = 4096;

// Set before the workers are forked, which inherit the mapping.
volatile uint32_t *doorbell;
uint32_t value;

// arg: stores per sample.
int64_t ring(Channel &channel)
{
	for (uint64_t i = 0; i < channel.count; i++)
		channel.samples[i] = 0; // faults of the buffer come before the measurement
	*doorbell = value;
	for (uint64_t i = 0; i < channel.count; i++) {
		const uint64_t start = ticks();
		for (uint64_t n = 0; n < channel.arg; n++)
			*doorbell = value;
		channel.samples[i] = ticks() - start;
	}
	return 0;
}

// Nothing answers at a function whose memory decode is off: its stores are as fast as nothing.
Result<> check_enabled(const std::string &resource)
{
	const std::string path = resource.substr(0, resource.rfind('/') + 1) + "enable";
	std::ifstream file(path);
	int enabled = 1;
	if (file >> enabled && !enabled)
		return fail(EINVAL, path + " reads 0: the function decodes no memory; bind a driver, or write 1 to it");
	return {};
}

} // namespace

Result<> prepare_doorbell(const Options &options)
{
	const Doorbell &wanted = options.doorbell;
	if (wanted.resource.empty())
		return fail(EINVAL,
			    "doorbell stores to a device: name it with --resource /sys/bus/pci/devices/BDF/resourceN, a "
			    "register that may be written with --offset, and what to store with --value");
	if (wanted.offset % sizeof(uint32_t))
		return fail(EINVAL, "--offset " + std::to_string(wanted.offset) + ": not a multiple of 4");
	TRY(check_enabled(wanted.resource));
	const int fd = open(wanted.resource.c_str(), O_RDWR | O_CLOEXEC | O_SYNC);
	if (fd < 0)
		return fail_errno("open " + wanted.resource);
	struct stat status;
	const uint64_t size = fstat(fd, &status) ? 0 : uint64_t(status.st_size);
	if (size && wanted.offset + sizeof(uint32_t) > size) {
		close(fd);
		return fail(EINVAL, "--offset " + std::to_string(wanted.offset) + ": behind the end of " + wanted.resource +
					    " (" + std::to_string(size) + " bytes)");
	}
	void *mapped = mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, off_t(wanted.offset & ~(page - 1)));
	const auto failed = fail_errno("map " + wanted.resource + " at " + std::to_string(wanted.offset & ~(page - 1)));
	close(fd);
	if (mapped == MAP_FAILED)
		return failed;
	doorbell = reinterpret_cast<volatile uint32_t *>(static_cast<char *>(mapped) + (wanted.offset & (page - 1)));
	value = wanted.value;
	return {};
}

void bench_doorbell(const Options &options, Report &report)
{
	WorkerPair pair = start_pair(options, most_samples, spin_us, report);
	std::vector<Variant> variants;
	add_pair(variants, pair, "store", ring, 1, 0);
	add_pair(variants, pair, "burst", ring, burst, 0);
	interleave(variants, std::max(rounds, options.samples / most_samples + 1), options, report);
	for (const char *name : {"store", "burst"})
		add_pair_ratio(report, name);
	report.notes.push_back("a burst is " + std::to_string(burst) + " stores");
}

} // namespace decouple::bench
