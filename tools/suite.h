/* SPDX-License-Identifier: GPL-2.0-only */
/* The benches by name. */
#ifndef DECOUPLE_TOOLS_SUITE_H
#define DECOUPLE_TOOLS_SUITE_H

#include "variant.h"

namespace decouple::bench
{

/* Each fills rows, ratios, values and notes of the report, and its exit code when its subject could not be measured. */
void bench_syscall(const Options &options, Report &report);
void bench_recouple(const Options &options, Report &report);
void bench_fault(const Options &options, Report &report);
void bench_attach(const Options &options, Report &report);
void bench_compute(const Options &options, Report &report);
void bench_doorbell(const Options &options, Report &report);
/* Maps the register. Error EINVAL: it isn't one. */
Result<> prepare_doorbell(const Options &options);
void bench_reflector(const Options &options, Report &report);

struct Entry {
	const char *name;
	const char *summary;
	unsigned samples; /* per row, where --samples is not given */
	void (*run)(const Options &options, Report &report);
	Result<> (*prepare)(const Options &options) = nullptr; /* what the caller may have got wrong */
};

} // namespace decouple::bench

#endif
