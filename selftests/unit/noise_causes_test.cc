/* SPDX-License-Identifier: GPL-2.0-only */
/* `decouple noise`: events of `decouple why`, what they explain; choice of cores; places on a chart. */
#include "tools/budget.cc"
#include "tools/causes.cc"
#include "tools/chart.cc"
#include "tools/child.cc"
#include "tools/duration.cc"
#include "tools/load.cc"
#include "tools/load_work.cc"
#include "tools/noise_plan.cc"
#include "tools/placement.cc"
#include "tools/reserved_cores.cc"
#include "tools/series.cc"
#include <gtest/gtest.h>

namespace decouple::noise
{
namespace
{

TEST(EventsTest, EveryFormOfAnEvent)
{
	const char *line = R"({"time_ns": 200, "duration_ns": 10, "core": 3, "cause": "local_timer"})";
	const char *other = R"({"time": 100, "duration": 5, "causes": [{"kind": "irq", "name": "nvme0q1"}, "softirq"]})";
	const std::string lines = std::string(line) + "\n\n" + other + "\n",
			  array = "[" + std::string(line) + "," + other + "]";
	for (const std::string &text :
	     {lines, array, "{\"events\": " + array + "}", lines + "{\"total\": 2}\n", lines + "{\"time_n"}) {
		auto events = parse_events(text);
		ASSERT_TRUE(events) << text;
		ASSERT_EQ(events->list.size(), 2u) << text;
		EXPECT_EQ(events->list[0].cause, "irq (nvme0q1)");
		EXPECT_EQ(events->list[0].at_ns, 100) << "in the order of time";
		EXPECT_EQ(events->list[0].core, -1);
		EXPECT_EQ(events->list[1].cause, "local_timer");
		EXPECT_EQ(events->list[1].ns, 10);
		EXPECT_EQ(events->list[1].core, 3);
		EXPECT_EQ(events->lost, 0u);
	}
	EXPECT_TRUE(parse_events("")->list.empty());
	EXPECT_TRUE(parse_events("[]")->list.empty());
	EXPECT_EQ(parse_events(R"({"time_ns": 1, "duration_ns": 1})")->list[0].cause, "unknown");
	EXPECT_EQ(parse_events(lines + R"({"totals": [], "lost": 7})" + "\n")->lost, 7u);
}

TEST(EventsTest, SomethingElseIsRefused)
{
	for (const char *bad : {"no JSON", "{\"half\":", "3", "[3]", "[{}]", "{\"events\": [1]}", "text\n{}\n",
				"[{\"time_ns\": \"1\", \"duration_ns\": 1}]"})
		EXPECT_FALSE(parse_events(bad)) << bad;
}

Series on_core(int core, const std::string &variant)
{
	Series series = {.method = Method::gaps, .variant = variant, .core = core};
	series.rounds = {{0, 1e6, 1e6}, {0, 5e6, 1e6}};
	return series;
}

TEST(CausesTest, OnlyWhatHappenedWhileItWasMeasured)
{
	const std::vector<Event> events = {{0.5e6, 10, 3, "before"}, {1.5e6, 100, 3, "tick"}, {1.6e6, 300, 3, "tick"},
					   {3e6, 10, 3, "between"},  {5.5e6, 50, -1, "call"}, {5.6e6, 9, 2, "elsewhere"}};
	auto totals = total_causes(events, {on_core(3, "decoupled"), on_core(2, "native")}, "decoupled");
	ASSERT_EQ(totals.size(), 2u);
	EXPECT_EQ(totals[0].cause, "tick");
	EXPECT_EQ(totals[0].count, 2u);
	EXPECT_EQ(totals[0].sum_ns, 400);
	EXPECT_EQ(totals[0].longest_ns, 300);
	EXPECT_EQ(totals[1].cause, "call") << "an event without a core may be anyone's";
}

TEST(CausesTest, TheLongestEventExplainsASpan)
{
	const std::vector<Event> events = {
		{1e6, 900e3, 3, "long"}, {1.5e6, 1e3, 3, "tick"}, {4e6, 5e3, 2, "elsewhere"}, {8e6, 1, 3, "tick"}};
	EXPECT_EQ(explain(events, 3, {{1.4e6, 200e3}}), "long 1 time");
	EXPECT_EQ(explain(events, 3, {{1.4e6, 200e3}, {8e6, 10}, {8e6 - 100, 50}, {4e6, 5e3}}),
		  "tick 2 times, long 1 time, not attributed 1 time");
	EXPECT_EQ(explain(events, 3, {{8e6 + 3000, 50}}), "not attributed 1 time") << "later than the clocks may differ";
	EXPECT_EQ(explain(events, 3, {}), "");
	EXPECT_EQ(explain({}, 3, {{1, 1}}), "not attributed 1 time");
}

TEST(CoresTest, ChosenByDefault)
{
	Plan plan;
	ASSERT_TRUE(choose_noise_cores({}, {0, 1, 2, 3}, {}, plan));
	EXPECT_EQ(plan.core, 3);
	EXPECT_FALSE(plan.reserved);
	EXPECT_EQ(plan.decoupled_core(), 3);
	EXPECT_EQ(plan.service, (std::vector<int>{0, 1, 2}));
}

TEST(CoresTest, AReservedOneIsUsedAndNoneServes)
{
	Plan plan;
	/* Whether the kernel still shows them as allowed depends on the cpuset that this process is in. */
	for (const std::vector<int> &allowed : {std::vector<int>{0, 1, 2, 3, 4}, {0, 1, 2}}) {
		plan = {};
		ASSERT_TRUE(choose_noise_cores({}, allowed, {3, 4}, plan));
		EXPECT_EQ(plan.reserved, 4);
		EXPECT_EQ(plan.core, 2);
		EXPECT_EQ(plan.decoupled_core(), 4);
		EXPECT_EQ(plan.service, (std::vector<int>{0, 1}));
	}
	NoiseArguments named = {.core = 1, .reserved = 3, .churn = 2};
	plan = {};
	ASSERT_TRUE(choose_noise_cores(named, {0, 1, 2}, {3, 4}, plan));
	EXPECT_EQ(plan.reserved, 3);
	EXPECT_EQ(plan.core, 1);
	EXPECT_EQ(plan.churn, 2);
	EXPECT_EQ(plan.service, std::vector<int>{0});
}

TEST(CoresTest, Refused)
{
	const std::vector<std::pair<NoiseArguments, std::vector<int>>> cases = {
		{{.core = 9}, {0, 1, 2}},  {{.core = 4}, {0, 1, 2}},  {{.reserved = 1}, {0, 1, 2}},
		{{.churn = 4}, {0, 1, 2}}, {{.churn = 9}, {0, 1, 2}}, {{.core = 1, .churn = 1}, {0, 1, 2}}};
	for (const auto &[arguments, allowed] : cases) {
		Plan plan;
		auto refused = choose_noise_cores(arguments, allowed, {3, 4}, plan);
		ASSERT_FALSE(refused) << arguments.core << arguments.reserved << arguments.churn;
		EXPECT_EQ(refused.error().code, EINVAL);
	}
	Plan plan;
	EXPECT_EQ(choose_noise_cores({}, {0}, {3}, plan).error().code, EOPNOTSUPP);
	EXPECT_EQ(choose_noise_cores({.churn = 1}, {0, 1}, {}, plan).error().code, EOPNOTSUPP);
}

TEST(ChartTest, PlacesOnAxes)
{
	auto plain = [](double value) { return std::to_string(int(value)); };
	Axis log = decades(90, 2000, "", plain);
	EXPECT_EQ(log.low, 10);
	EXPECT_EQ(log.high, 10000);
	ASSERT_EQ(log.ticks.size(), 4u);
	EXPECT_EQ(log.ticks[1].label, "100");
	log.from = 0;
	log.to = 300;
	EXPECT_NEAR(log.place(1000), 200, 1e-9);
	EXPECT_EQ(log.place(0), 0) << "below the range: at its beginning";
	EXPECT_EQ(log.place(1e9), 300);
	Axis one = decades(10, 10, "", plain);
	EXPECT_GT(one.high, one.low);
	Axis even = linear(0, 10, "", plain);
	EXPECT_EQ(even.ticks.front().label, "0");
	EXPECT_EQ(even.ticks.back().value, 10);
	EXPECT_LE(even.ticks.size(), 7u);
	EXPECT_GT(linear(5, 5, "", plain).high, 5);
	EXPECT_EQ(escaped("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
}

TEST(ChartTest, SizeDoesNotGrowWithPoints)
{
	auto plain = [](double value) { return std::to_string(value); };
	auto drawn = [&](size_t count) {
		Chart chart(460, 230, linear(0, 1, "x", plain), linear(0, 1, "y", plain), "chart");
		std::vector<Point> points;
		for (size_t i = 0; i < count; i++)
			points.push_back(
				{double(i * 7919 % count) / double(count), double(i * 104729 % count) / double(count)});
		chart.points(points, "native");
		return chart.svg().size();
	};
	EXPECT_LT(drawn(3'000'000), 400'000u);
	EXPECT_GT(drawn(10), drawn(0));
}

} // namespace
} // namespace decouple::noise
