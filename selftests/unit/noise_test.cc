/* SPDX-License-Identifier: GPL-2.0-only */
/* `decouple noise`: from given readings of the clock to figures, and from figures and a budget to a verdict. */
#include "tools/budget.cc"
#include "tools/duration.cc"
#include "tools/ftq.cc"
#include "tools/fwq.cc"
#include "tools/gaps.cc"
#include "tools/noise_job.cc"
#include "tools/series.cc"
#include <gtest/gtest.h>
#include <numeric>

namespace decouple::noise
{
namespace
{

/* Half a nanosecond per tick, tick 1000 is ns 5000. */
constexpr Timebase base = {1000, 5000, 0.5};

Series of(Method method, std::vector<double> ns, const std::string &variant = "decoupled", double length_ns = 60e9)
{
	Series series = {.method = method, .variant = variant};
	series.rounds.push_back({0, 0, length_ns});
	for (double value : ns)
		series.samples.push_back({double(series.samples.size()) * 1000, value});
	return series;
}

TEST(FwqTest, QuantaFollowEachOther)
{
	Series series;
	append_fwq(series, std::vector<uint64_t>{1000, 1200, 1400, 1900}, base);
	append_fwq(series, std::vector<uint64_t>{9000, 9200}, base);
	ASSERT_EQ(series.samples.size(), 4u);
	EXPECT_EQ(series.samples[0].at_ns, 5000);
	EXPECT_EQ(series.samples[0].ns, 100);
	EXPECT_EQ(series.samples[2].at_ns, 5200);
	EXPECT_EQ(series.samples[2].ns, 250);
	EXPECT_EQ(series.samples[3].at_ns, 9000);
	EXPECT_EQ(measured_ns(series), 550);
	EXPECT_EQ(own_times(series), (std::vector<double>{0, 100, 200, 450}));
	EXPECT_EQ(detours(series), (std::vector<double>{0, 0, 150, 0}));
	append_fwq(series, std::vector<uint64_t>{1}, base);
	EXPECT_EQ(series.rounds.size(), 2u) << "one reading is no quantum";
}

TEST(FwqTest, CalibrationFindsTheWork)
{
	/* 3 ns a step, and 40 ns for the clock. */
	auto steps = calibrate_fwq(100000, [](uint64_t n) { return Result<double>(double(n) * 3 + 40); });
	ASSERT_TRUE(steps);
	EXPECT_NEAR(double(*steps) * 3 + 40, 100000, 10);
	/* Two runs of three disturbed. */
	int runs = 0;
	steps = calibrate_fwq(100000,
			      [&](uint64_t n) { return Result<double>(double(n) * 3 + 40 + (runs++ % 3 == 1 ? 0 : 5e6)); });
	ASSERT_TRUE(steps);
	EXPECT_NEAR(double(*steps) * 3 + 40, 100000, 10);
	EXPECT_FALSE(calibrate_fwq(1000, [](uint64_t) { return Result<double>(0); }));
	auto failed = calibrate_fwq(1000, [](uint64_t) { return Result<double>(fail(ECHILD, "gone")); });
	ASSERT_FALSE(failed);
	EXPECT_EQ(failed.error().what, "gone");
}

TEST(FtqTest, LossIsMeasuredAgainstTheFullestQuantum)
{
	Series series = {.method = Method::ftq, .quantum_ns = 1000};
	append_ftq(series, std::vector<uint64_t>{1000, 50, 25, 0}, 2000, base);
	append_ftq(series, std::vector<uint64_t>{90000, 40}, 2000, base);
	count_losses(series);
	ASSERT_EQ(series.samples.size(), 4u);
	EXPECT_EQ(detours(series), (std::vector<double>{0, 500, 1000, 200}));
	EXPECT_EQ(series.samples[2].at_ns, 7000) << "on the grid, whatever happened before";
	EXPECT_EQ(series.step_ns, 20);
	EXPECT_EQ(measured_ns(series), 4000);
	EXPECT_EQ(figures(series).detour_sum, 1700);
}

TEST(FtqTest, NothingDoneIsAllLost)
{
	Series series = {.method = Method::ftq, .quantum_ns = 1000};
	append_ftq(series, std::vector<uint64_t>{1000, 0, 0}, 2000, base);
	count_losses(series);
	EXPECT_EQ(figures(series).detour_sum, 2000);
	EXPECT_EQ(figures(series).min, 1000);
}

/* What gaps_job() would write after these readings. */
std::vector<uint64_t> detect(const std::vector<uint64_t> &readings, uint64_t threshold, uint64_t room)
{
	std::vector<uint64_t> samples(gap_header + 2 * room);
	GapTotals totals = {readings.front(), readings.back(), 0, 0, 0, ~0ull};
	for (size_t i = 1; i < readings.size(); i++)
		see_reading(totals, samples.data() + gap_header, room, threshold, readings[i - 1], readings[i]);
	memcpy(samples.data(), &totals, sizeof totals);
	return samples;
}

TEST(GapsTest, LongerThanTheThresholdOnly)
{
	Series series = {.method = Method::gaps};
	append_gaps(series, detect({1000, 1050, 1250, 1300, 1501, 1540}, 200, 8), base);
	ASSERT_EQ(series.samples.size(), 1u) << "a distance equal to the threshold is none";
	EXPECT_EQ(series.samples[0].at_ns, 5150);
	EXPECT_EQ(series.samples[0].ns, 100.5);
	EXPECT_EQ(series.step_ns, 19.5);
	EXPECT_EQ(measured_ns(series), 270);
	EXPECT_EQ(series.unrecorded, 0u);
}

TEST(GapsTest, WithoutRoomTheyStillCount)
{
	Series series = {.method = Method::gaps};
	append_gaps(series, detect({1000, 2000, 3000, 3010, 8010}, 200, 2), base);
	append_gaps(series, detect({20000, 20010, 20020}, 200, 2), base);
	EXPECT_EQ(series.samples.size(), 2u);
	EXPECT_EQ(series.unrecorded, 1u);
	Figures all = figures(series);
	EXPECT_EQ(all.n, 3u);
	EXPECT_EQ(all.max, 2500);
	EXPECT_EQ(all.detour_sum, 3500);
	EXPECT_DOUBLE_EQ(*all.per_minute, 3 * 60e9 / (3505 + 10));
}

TEST(GapsTest, TheArgumentHoldsBoth)
{
	uint64_t argument = gap_argument(10'000'000'000, 220);
	EXPECT_EQ(argument >> gap_threshold_bits, 10'000'000'000u);
	EXPECT_EQ(argument & ((1u << gap_threshold_bits) - 1), 220u);
}

TEST(GapsTest, NoneSeen)
{
	Figures none = figures(of(Method::gaps, {}));
	EXPECT_EQ(none.n, 0u);
	EXPECT_EQ(none.max, 0);
	EXPECT_EQ(none.per_minute, 0);
	EXPECT_FALSE(figures(of(Method::fwq, {1})).per_minute);
}

TEST(SeriesTest, FiguresAreRanks)
{
	std::vector<double> v(20000);
	std::iota(v.begin(), v.end(), 1.0);
	Figures all = figures(of(Method::fwq, v));
	EXPECT_EQ(all.min, 1);
	EXPECT_EQ(all.p50, 10000);
	EXPECT_EQ(all.p99, 19800);
	EXPECT_EQ(all.p9999, 19998);
	EXPECT_EQ(all.max, 20000);
	EXPECT_EQ(all.detour_sum, 20000.0 * 19999 / 2);
}

TEST(SeriesTest, HistogramHoldsEveryValueOnce)
{
	std::vector<double> v;
	for (double x = 0; x < 1e10; x = x * 1.07 + 0.3)
		v.push_back(x);
	size_t count = 0;
	double before = -1;
	for (const Bucket &bucket : histogram(v)) {
		count += bucket.count;
		EXPECT_GE(bucket.low, before);
		EXPECT_GT(bucket.high, bucket.low);
		EXPECT_LE(bucket.high - bucket.low, std::max(1.0, bucket.low / 15.9));
		EXPECT_EQ(
			size_t(std::count_if(v.begin(), v.end(), [&](double x) { return x >= bucket.low && x < bucket.high; })),
			bucket.count)
			<< bucket.low;
		before = bucket.high;
	}
	EXPECT_EQ(count, v.size());
	EXPECT_TRUE(histogram({}).empty());
}

TEST(DurationTest, UnitsAreAsked)
{
	EXPECT_EQ(*parse_duration("--x", "100ns"), 100);
	EXPECT_EQ(*parse_duration("--x", "1.5ms"), 1.5e6);
	EXPECT_EQ(*parse_duration("--x", "0us"), 0);
	for (const char *bad : {"", "100", "us", "-1us", "1 us", "1us ", "1m", "1e400s", "nan s", "inf us", "infs"}) {
		auto refused = parse_duration("--x", bad);
		ASSERT_FALSE(refused) << bad;
		EXPECT_EQ(refused.error().code, EINVAL);
	}
	EXPECT_EQ(format_duration(0), "0 ns");
	EXPECT_EQ(format_duration(99.94), "99.9 ns");
	EXPECT_EQ(format_duration(2345), "2.35 us");
	EXPECT_EQ(format_duration(4e9), "4.00 s");
}

TEST(BudgetTest, Parses)
{
	Budget budget = *parse_budget("p99.99=2us,max=50us,gaps=10/min,variant=native,p50=1ns");
	EXPECT_EQ(budget.variant, "native");
	ASSERT_EQ(budget.limits.size(), 4u);
	EXPECT_EQ(budget.limits[0].parts, 999900u);
	EXPECT_EQ(budget.limits[0].bound, 2000);
	EXPECT_EQ(budget.limits[0].name, "p99.99");
	EXPECT_EQ(budget.limits[2].bound, 10);
	EXPECT_EQ(budget.limits[3].parts, 500000u);
	EXPECT_EQ(parse_budget("max=1s")->variant, "decoupled");
}

TEST(BudgetTest, RefusesWhatItDoesNotKnow)
{
	for (const char *bad : {"",
				"max",
				"max=",
				"max=5",
				"max=-1us",
				"min=1us",
				"p=1us",
				"p0=1us",
				"p100=1us",
				"p99.99999=1us",
				"p99.=1us",
				"p9x=1us",
				"p99,max=1us",
				"max=1us,",
				",max=1us",
				"max=1us,max=2us",
				"gaps=10",
				"gaps=10/s",
				"gaps=-1/min",
				"variant=native",
				"max=1us,variant=guest",
				"max=1us variant=native",
				"p1e1=1us",
				"p99999999999999999999999=1us"}) {
		auto refused = parse_budget(bad);
		ASSERT_FALSE(refused) << bad;
		EXPECT_EQ(refused.error().code, EINVAL) << bad;
		EXPECT_NE(refused.error().what.find("--budget"), std::string::npos) << bad;
	}
}

TEST(BudgetTest, NeedsTheTestsThatItJudges)
{
	EXPECT_TRUE(check_budget(*parse_budget("max=1us"), {Method::gaps}));
	EXPECT_FALSE(check_budget(*parse_budget("max=1us,gaps=1/min"), {Method::fwq, Method::ftq}));
	EXPECT_FALSE(check_budget(*parse_budget("p99=1us"), {Method::gaps}));
	EXPECT_TRUE(check_budget(*parse_budget("p99=1us"), {Method::gaps, Method::ftq}));
}

class VerdictTest : public ::testing::Test
{
protected:
	Verdict judged(const std::string &text, std::vector<Method> tests = {Method::fwq, Method::gaps})
	{
		return judge(*parse_budget(text), tests, all_, [this](const Series &, const std::vector<Sample> &spans) {
			spans_ = spans;
			return std::string("the cat");
		});
	}

	/* Detours 0, 0, 500, 20; three gaps of up to 900 ns in a minute. Natively all is worse. */
	std::vector<Series> all_ = {of(Method::fwq, {100, 100, 600, 120}), of(Method::gaps, {900, 300, 200}),
				    of(Method::fwq, {100, 99100}, "native")};
	std::vector<Sample> spans_;
};

TEST_F(VerdictTest, KeptToTheBound)
{
	Verdict verdict = judged("p50=0ns,p75=20ns,p99.99=500ns,max=900ns,gaps=3/min");
	EXPECT_TRUE(verdict.pass);
	EXPECT_TRUE(verdict.violations.empty());
}

TEST_F(VerdictTest, EachViolationWithItsWorstSampleAndCause)
{
	Verdict verdict = judged("p99.99=499ns,max=899ns,gaps=2.9/min");
	EXPECT_FALSE(verdict.pass);
	ASSERT_EQ(verdict.violations.size(), 3u);
	EXPECT_EQ(verdict.violations[0].method, Method::fwq);
	EXPECT_EQ(verdict.violations[0].limit, "p99.99");
	EXPECT_EQ(verdict.violations[0].measured, 500);
	EXPECT_EQ(verdict.violations[0].worst.at_ns, 2000);
	EXPECT_EQ(verdict.violations[0].worst.ns, 500);
	EXPECT_EQ(verdict.violations[0].cause, "the cat");
	EXPECT_EQ(verdict.violations[1].limit, "max");
	EXPECT_EQ(verdict.violations[1].method, Method::gaps);
	EXPECT_EQ(verdict.violations[2].limit, "gaps");
	EXPECT_EQ(verdict.violations[2].measured, 3);
	EXPECT_EQ(spans_.size(), 3u) << "of a rate every gap is a part";
}

TEST_F(VerdictTest, TheSpansAreThoseBeyondTheBound)
{
	judged("max=100ns", {Method::fwq});
	ASSERT_EQ(spans_.size(), 1u);
	EXPECT_EQ(spans_[0].at_ns, 2000);
	EXPECT_EQ(spans_[0].ns, 600) << "the whole quantum, not only what it lost";
}

TEST_F(VerdictTest, AnotherVariant)
{
	EXPECT_TRUE(judged("max=1us", {Method::fwq}).pass);
	EXPECT_FALSE(judged("max=1us,variant=native", {Method::fwq}).pass);
}

TEST_F(VerdictTest, WhatWasNotMeasuredDoesNotPass)
{
	Verdict verdict = judged("max=1s,variant=reserved");
	EXPECT_FALSE(verdict.pass);
	EXPECT_EQ(verdict.missing, (std::vector<std::string>{"fwq", "gaps"}));
	EXPECT_EQ(judged("max=1s,variant=native").missing, (std::vector<std::string>{"gaps"}));
}

/* The jobs themselves, in this process: what they write is what the functions above read. */
class JobTest : public ::testing::Test
{
protected:
	Series run(Method method, bench::Job job, uint64_t arg)
	{
		std::vector<uint64_t> samples(2000);
		channel_.samples = samples.data();
		channel_.count = channel_.capacity = samples.size();
		channel_.arg = arg;
		EXPECT_EQ(job(channel_), 0);
		Series series = {.method = method, .quantum_ns = 1e4};
		Timebase plain = {};
		if (method == Method::fwq)
			append_fwq(series, samples, plain);
		else if (method == Method::ftq)
			append_ftq(series, samples, arg, plain);
		else
			append_gaps(series, samples, plain);
		return series;
	}
	Channel channel_ = {};
};

TEST_F(JobTest, Fwq)
{
	Series few = run(Method::fwq, fwq_job, 1000), many = run(Method::fwq, fwq_job, 8000);
	EXPECT_EQ(few.samples.size(), 1999u);
	EXPECT_GT(figures(few).min, 0);
	/* Four times at least: reading the clock is in both. */
	EXPECT_GT(figures(many).min, 4 * figures(few).min);
}

TEST_F(JobTest, Ftq)
{
	Series series = run(Method::ftq, ftq_job, 10000);
	EXPECT_EQ(series.samples.size(), 1999u);
	EXPECT_GT(figures(series).max, 0) << "units";
	EXPECT_EQ(measured_ns(series), 19990000);
	count_losses(series);
	EXPECT_EQ(figures(series).min, 0) << "the fullest lost nothing";
}

TEST_F(JobTest, Gaps)
{
	/* A threshold of one tick: every reading is a gap, and most find no room. */
	Series series = run(Method::gaps, gaps_job, gap_argument(10'000'000, 1));
	EXPECT_EQ(series.samples.size(), (2000 - gap_header) / 2);
	EXPECT_GT(series.unrecorded, 0u);
	EXPECT_GE(measured_ns(series), 1e7);
	EXPECT_GT(series.step_ns, 1);
	EXPECT_NEAR(figures(series).detour_sum, measured_ns(series), measured_ns(series) * 1e-6);
	channel_.count = 3;
	EXPECT_EQ(gaps_job(channel_), -EINVAL) << "no room for the totals";
}

} // namespace
} // namespace decouple::noise
