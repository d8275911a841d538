// SPDX-License-Identifier: GPL-2.0-only
// Variants, rounds, what runs beside them, and what is made of it all.

#include "noise_run.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "churn.h"
#include "ftq.h"
#include "fwq.h"
#include "gaps.h"
#include "load.h"
#include "noise_variant.h"
#include "placement.h"
#include "reserved_cores.h"

namespace decouple::noise
{

namespace
{

std::string sentence(const Error &error)
{
	return error.what + " (errno " + std::to_string(error.code) + ")";
}

class Run
{
public:
	explicit Run(const Plan &plan) : plan_(plan) { result_.plan = plan; }
	Result<NoiseResult> measure();

private:
	void start_variants();
	Result<> calibrate();
	Result<> start_load();
	void start_why();
	void round(unsigned number);
	Result<> take(NoiseVariant &variant, Method method, unsigned number);
	Series &series_of(const NoiseVariant &variant, Method method);
	void drop(const std::string &name, const Error &error);
	void finish_why();
	std::string cause(const Series &series, const std::vector<Sample> &spans) const;
	void conclude();

	unsigned share(unsigned number) const
	{
		// All of them over all rounds, also where the division leaves a rest.
		return unsigned(uint64_t(plan_.samples) * (number + 1) / plan_.rounds -
				uint64_t(plan_.samples) * number / plan_.rounds);
	}
	uint64_t gap_words() const
	{
		// Room for 2000 gaps a second, eight times what a busy tick makes.
		const double gaps = std::clamp(plan_.duration_ns / plan_.rounds * 2000 / 1e9, 4096.0, 4e6);
		return gap_header + 2 * uint64_t(gaps);
	}

	const Plan &plan_;
	NoiseResult result_;
	std::vector<std::unique_ptr<NoiseVariant>> variants_; /* at addresses that stay; a session must end before its worker */
	std::vector<Load> loads_;
	std::optional<Churn> churn_;
	std::optional<WhyReader> why_;
};

void Run::drop(const std::string &name, const Error &error)
{
	result_.notes.push_back(name + ": " + sentence(error) + "; what it measured before is left out");
	result_.exit_code = std::max(result_.exit_code, 1);
	std::erase_if(result_.series, [&](const Series &series) { return series.variant == name; });
	std::erase_if(variants_, [&](const auto &variant) { return variant->name() == name; });
}

void Run::start_variants()
{
	const size_t capacity = std::max<size_t>(gap_words(), plan_.samples / plan_.rounds + 2);
	if (!plan_.reserved)
		result_.notes.push_back(
			"reserved: no core is reserved, so there is no such variant, and decoupled ran on a plain core");
	for (const char *name : {"native", "reserved", "decoupled"}) {
		if (std::string(name) == "reserved" && !plan_.reserved)
			continue;
		plan_.progress(std::string("starting ") + name);
		auto variant = NoiseVariant::start(name, plan_, capacity);
		if (variant) {
			variants_.push_back(std::make_unique<NoiseVariant>(std::move(*variant)));
			continue;
		}
		const int code = variant.error().code;
		const bool absent = code == ENOENT || code == ENODEV || code == ENXIO || code == EOPNOTSUPP;
		result_.notes.push_back(std::string(name) + ": " + sentence(variant.error()));
		result_.exit_code = std::max(result_.exit_code, absent ? 4 : 1);
	}
}

// On the variant of which most quiet is expected. The others get the same work: what they take longer is what the core took.
Result<> Run::calibrate()
{
	NoiseVariant &quiet = *variants_.back();
	plan_.progress("calibrating the quantum");
	const uint64_t quanta = uint64_t(std::clamp(50e6 / plan_.quantum_ns, 3.0, 50.0));
	result_.fwq_calibrated_on = quiet.name();
	result_.fwq_steps = TRY(calibrate_fwq(plan_.quantum_ns, [&](uint64_t steps) -> Result<double> {
		const Timebase timebase = TRY(quiet.run(fwq_job, quanta + 1, steps, double(quanta) * plan_.quantum_ns * 4));
		Series series;
		append_fwq(series, quiet.samples(), timebase);
		return figures(series).min;
	}));
	return {};
}

Result<> Run::start_load()
{
	for (const std::string &name : plan_.loads) {
		plan_.progress("starting load " + name);
		loads_.push_back(TRY(Load::start(name, plan_.service)));
	}
	if (plan_.churn) {
		plan_.progress("reserving and releasing core " + std::to_string(*plan_.churn) + " by way of trial");
		churn_.emplace(TRY(Churn::start(*plan_.churn)));
	}
	return {};
}

void Run::start_why()
{
	auto decoupled = std::find_if(variants_.begin(), variants_.end(),
				      [](const auto &variant) { return variant->name() == "decoupled"; });
	if (!plan_.causes.empty() || plan_.no_why || decoupled == variants_.end())
		return;
	auto reader = WhyReader::start((*decoupled)->pid());
	if (reader)
		why_.emplace(std::move(*reader));
	else
		result_.why_not = reader.error().what;
}

Series &Run::series_of(const NoiseVariant &variant, Method method)
{
	for (Series &series : result_.series)
		if (series.method == method && series.variant == variant.name())
			return series;
	Series series = {.method = method, .variant = variant.name(), .core = variant.core(), .quantum_ns = plan_.quantum_ns};
	return result_.series.emplace_back(std::move(series));
}

Result<> Run::take(NoiseVariant &variant, Method method, unsigned number)
{
	const double tick_ns = bench::ns_per_tick();
	const uint64_t count = share(number) + 1, quantum_ticks = uint64_t(plan_.quantum_ns / tick_ns);
	const double expected_ns = double(count) * plan_.quantum_ns;
	if (method == Method::fwq) {
		const Timebase timebase = TRY(variant.run(fwq_job, count, result_.fwq_steps, expected_ns));
		append_fwq(series_of(variant, method), variant.samples(), timebase);
	} else if (method == Method::ftq) {
		const Timebase timebase = TRY(variant.run(ftq_job, count, quantum_ticks, expected_ns));
		append_ftq(series_of(variant, method), variant.samples(), quantum_ticks, timebase);
	} else {
		const double duration_ns = plan_.duration_ns / plan_.rounds;
		const uint64_t argument = gap_argument(uint64_t(duration_ns / tick_ns), uint64_t(plan_.threshold_ns / tick_ns));
		const Timebase timebase = TRY(variant.run(gaps_job, gap_words(), argument, duration_ns));
		append_gaps(series_of(variant, method), variant.samples(), timebase);
	}
	return {};
}

// Each round begins with another variant, and every second one runs backwards: none always follows the same neighbour.
void Run::round(unsigned number)
{
	std::vector<std::pair<std::string, Error>> failed;
	for (Method method : plan_.methods)
		for (size_t i = 0; i < variants_.size(); i++) {
			const size_t step = number % 2 ? variants_.size() - 1 - i : i;
			NoiseVariant &variant = *variants_[(number / 2 + step) % variants_.size()];
			if (std::any_of(failed.begin(), failed.end(), [&](auto &one) { return one.first == variant.name(); }))
				continue;
			plan_.progress("round " + std::to_string(number + 1) + " of " + std::to_string(plan_.rounds) + ": " +
				       method_name(method) + ", " + variant.name());
			if (auto taken = take(variant, method, number); !taken)
				failed.emplace_back(variant.name(), taken.error());
		}
	for (const auto &[name, error] : failed)
		drop(name, error);
}

void Run::finish_why()
{
	Result<Events> events = Events();
	if (!plan_.causes.empty()) {
		std::ifstream file(plan_.causes);
		std::stringstream text;
		text << file.rdbuf();
		events = file ? parse_events(text.str()) : fail(EIO, "cannot read it");
		if (!events)
			events = fail(events.error().code, "--causes " + plan_.causes + ": " + events.error().what);
	} else if (why_) {
		events = why_->stop();
	} else {
		return;
	}
	why_.reset();
	if (!events) {
		result_.why_not = events.error().what;
		return;
	}
	result_.attributed = true;
	result_.events = std::move(events->list);
	if (events->lost)
		result_.notes.push_back("decouple why: " + std::to_string(events->lost) +
					" disturbances came faster than they could be read, and are not attributed");
	if (plan_.causes.empty())
		result_.notes.push_back("decouple why looked on: each disturbance of the decoupled variant is longer by some "
					"microseconds; see --no-why");
	result_.causes = total_causes(result_.events, result_.series, "decoupled");
}

std::string Run::cause(const Series &series, const std::vector<Sample> &spans) const
{
	if (series.variant != "decoupled")
		return "cause unknown: `decouple why` attributes disturbances of decoupled threads";
	if (plan_.no_why)
		return "cause unknown: not asked for (--no-why)";
	if (!result_.attributed)
		return "cause unknown: load the module for `decouple why`";
	return explain(result_.events, series.core, spans);
}

void Run::conclude()
{
	for (Series &series : result_.series)
		if (series.method == Method::ftq)
			count_losses(series);
	// In the order in which they are shown.
	auto rank = [](const Series &series) {
		return int(series.method) * 3 + (series.variant == "native" ? 0 : series.variant == "reserved" ? 1 : 2);
	};
	std::sort(result_.series.begin(), result_.series.end(),
		  [&](const Series &a, const Series &b) { return rank(a) < rank(b); });
	for (const auto &variant : variants_) {
		result_.variants.push_back(variant->result());
		result_.why_no_smi = variant->why_no_smi();
	}
	for (const Series &series : result_.series)
		if (series.unrecorded)
			result_.notes.push_back("gaps, " + series.variant + ": " + std::to_string(series.unrecorded) +
						" gaps found no room: they are in the sums, not in percentiles and plots");
	for (Load &load : loads_) {
		result_.loads.push_back({load.name(), load.operations()});
		if (auto alive = load.check(); !alive) {
			result_.notes.push_back(sentence(alive.error()));
			result_.exit_code = std::max(result_.exit_code, 1);
		}
	}
	if (churn_) {
		result_.churn_cycles = churn_->cycles();
		if (churn_->failed()) {
			result_.notes.push_back("--churn: " + std::to_string(churn_->failed()) + " cycles failed");
			result_.exit_code = std::max(result_.exit_code, 1);
		}
	}
	if (plan_.budget)
		result_.verdict =
			judge(*plan_.budget, plan_.methods, result_.series,
			      [this](const Series &series, const std::vector<Sample> &spans) { return cause(series, spans); });
	if (result_.verdict && !result_.verdict->pass)
		result_.exit_code = std::max(result_.exit_code, 1);
	if (!result_.isolation.invariant_tsc)
		result_.notes.push_back("the TSC of this CPU is not known to be invariant: times may be wrong");
}

Result<NoiseResult> Run::measure()
{
	result_.host = bench::read_host({plan_.decoupled_core(), plan_.service.front()}, false);
	result_.isolation = read_isolation(plan_.decoupled_core());
	for (int core : plan_.all_reserved)
		result_.isolation.reserved += (result_.isolation.reserved.empty() ? "" : ",") + std::to_string(core);
	const size_t processors = bench::allowed_cores().size();
	if (result_.host.load > double(processors))
		result_.notes.push_back("the machine was busy before this began: other programs are part of the figures");
	start_variants();
	if (variants_.empty())
		return fail(EIO, "no variant could be started: " + result_.notes.back());
	// From here on this process must not be where it measures. (An attach looks at its affinity, so not before.)
	TRY(bench::pin(0, plan_.service));
	if (std::find(plan_.methods.begin(), plan_.methods.end(), Method::fwq) != plan_.methods.end())
		TRY(calibrate());
	TRY(start_load());
	start_why();
	for (unsigned number = 0; number < plan_.rounds && !variants_.empty(); number++)
		round(number);
	finish_why();
	conclude();
	return std::move(result_);
}

} // namespace

Result<NoiseResult> measure_noise(const Plan &plan)
{
	return Run(plan).measure();
}

} // namespace decouple::noise
