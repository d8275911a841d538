// SPDX-License-Identifier: GPL-2.0-only
// Interleaving of variants.

#include "variant.h"

#include <algorithm>

#include "tsc.h"

namespace decouple::bench
{

void interleave(std::vector<Variant> &variants, unsigned rounds, const Options &options, Report &report)
{
	rounds = std::clamp(rounds, 1u, options.samples);
	std::vector<bool> failed(variants.size());
	for (unsigned round = 0; round < rounds; round++) {
		options.progress("round " + std::to_string(round + 1) + " of " + std::to_string(rounds));
		for (size_t i = 0; i < variants.size(); i++) {
			size_t step = round % 2 ? variants.size() - 1 - i : i;
			size_t turn = (round / 2 + step) % variants.size();
			Variant &variant = variants[turn];
			// Exactly options.samples over all rounds, also where the division leaves a rest.
			unsigned share = unsigned(uint64_t(options.samples) * (round + 1) / rounds -
						  uint64_t(options.samples) * round / rounds);
			if (failed[turn])
				continue;
			if (auto taken = variant.take(share, variant.samples_ns); !taken) {
				failed[turn] = true;
				if (variant.subject)
					report.add_failure(variant.name, taken.error());
				else
					report.notes.push_back(variant.name + ": " + taken.error().what + " (errno " +
							       std::to_string(taken.error().code) + ")");
			}
		}
	}
	for (size_t i = 0; i < variants.size(); i++)
		if (!failed[i])
			report.add_row(variants[i].name, std::move(variants[i].samples_ns));
}

void append_samples(const Worker &worker, std::vector<double> &samples_ns)
{
	for (uint64_t sample : worker.samples())
		samples_ns.push_back(double(sample) * ns_per_tick());
}

Result<> take_samples(Worker &worker, Job job, unsigned share, uint64_t arg, std::vector<double> &samples_ns)
{
	TRY(worker.run(job, share, arg));
	append_samples(worker, samples_ns);
	return {};
}

} // namespace decouple::bench
