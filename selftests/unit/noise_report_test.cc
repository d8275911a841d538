/* SPDX-License-Identifier: GPL-2.0-only */
/* The report of `decouple noise` for results that a test machine doesn't give: three variants, a core without a gap, nothing measured. */
#include "tools/chart.cc"
#include "tools/duration.cc"
#include "tools/noise_charts.cc"
#include "tools/noise_html.cc"
#include "tools/noise_page.cc"
#include "tools/noise_result.cc"
#include "tools/series.cc"
#include <gtest/gtest.h>
#include <cstdlib>
#include <unistd.h>

namespace decouple::noise
{
namespace
{

class ReportTest : public ::testing::Test
{
protected:
	ReportTest()
	{
		result_.plan.methods = {Method::fwq, Method::ftq, Method::gaps};
		result_.plan.quantum_ns = 1e5;
		result_.plan.threshold_ns = 100;
		result_.plan.reserved = 3;
		result_.plan.service = {0, 1};
		result_.host.cpu = "A CPU <of> \"ours\"";
		result_.isolation.command_line = "quiet nohz_full=3 </code>";
	}

	/* `period`: every so many quanta one loses `lost` ns, on top of some ns of jitter. */
	void add(const std::string &variant, size_t period, double lost)
	{
		for (Method method : result_.plan.methods) {
			Series series = {.method = method, .variant = variant, .core = 3, .quantum_ns = 1e5, .step_ns = 20};
			series.rounds = {{0, 1e9, 1e9}};
			for (size_t i = 0; i < 10000; i++) {
				const bool hit = period && i % period == period - 1;
				if (method == Method::gaps && !hit)
					continue;
				series.samples.push_back(
					{1e9 + double(i) * 1e5, (method == Method::fwq ? 1e5 : 0) + double(i % 3) * 10 +
									(hit ? lost * (1 + double(i % 7)) : 0)});
			}
			result_.series.push_back(std::move(series));
		}
		result_.variants.push_back({.name = variant, .core = 3, .counters = {}, .exits = {}, .page_exits = {}});
	}

	std::string page()
	{
		char path[] = "/tmp/decouple-noise-XXXXXX";
		const int fd = mkstemp(path);
		EXPECT_GE(fd, 0);
		close(fd);
		EXPECT_TRUE(write_html(result_, path));
		std::ifstream file(path);
		std::stringstream text;
		text << file.rdbuf();
		/* For a look at it: NOISE_REPORT=FILE. */
		if (const char *kept = std::getenv("NOISE_REPORT"))
			std::ofstream(kept) << text.str();
		unlink(path);
		return text.str();
	}

	static void expect_sound(const std::string &page)
	{
		EXPECT_EQ(page.find("nan"), page.npos);
		EXPECT_EQ(page.find("\"inf"), page.npos);
		EXPECT_EQ(page.find("<of>"), page.npos) << "text is not markup";
		EXPECT_EQ(page.find("3 </code>"), page.npos);
		for (const char *tag : {"svg", "figure", "section", "table", "div", "span", "details", "ul", "li", "p"}) {
			auto count = [&](const std::string &what) {
				size_t n = 0;
				for (size_t at = 0; (at = page.find(what, at)) != page.npos; at++)
					n += !std::isalnum(page[at + what.size()]);
				return n;
			};
			EXPECT_EQ(count("<" + std::string(tag)), count("</" + std::string(tag))) << tag;
		}
	}

	NoiseResult result_;
};

TEST_F(ReportTest, ThreeVariants)
{
	add("native", 40, 4000);
	add("reserved", 400, 3000);
	add("decoupled", 5000, 2000);
	result_.attributed = true;
	result_.causes = {{"local timer (tick)", 7, 35000, 9000}, {"IPI call function from core 0", 1, 800, 800}};
	result_.plan.budget = Budget{.text = "max=1us", .variant = "decoupled", .limits = {}};
	result_.verdict = Verdict{.pass = false,
				  .violations = {{Method::fwq, "max", 1000, 8000, {1e9, 8000}, "local timer (tick) 2 times"}},
				  .missing = {}};
	const std::string text = page();
	expect_sound(text);
	for (const char *id :
	     {"fwq-time-reserved", "ftq-time-native", "gaps-time-decoupled", "gaps-histogram", "fwq-exceedance"})
		EXPECT_NE(text.find("id=\"" + std::string(id) + "\""), text.npos) << id;
	EXPECT_NE(text.find("Budget exceeded"), text.npos);
	EXPECT_NE(text.find("local timer (tick) 2 times"), text.npos);
	EXPECT_LT(text.size(), 1'000'000u);
}

TEST_F(ReportTest, NoGapAtAll)
{
	add("native", 0, 0);
	add("decoupled", 0, 0);
	result_.attributed = true;
	const std::string text = page();
	expect_sound(text);
	EXPECT_NE(text.find("neither decoupled nor natively"), text.npos);
	EXPECT_EQ(text.find("id=\"gaps-histogram\""), text.npos);
	EXPECT_NE(text.find("did not leave the guest"), text.npos);
}

TEST_F(ReportTest, GapsNativelyOnly)
{
	add("native", 100, 5000);
	add("decoupled", 0, 0);
	const std::string text = page();
	expect_sound(text);
	EXPECT_NE(text.find("Decoupled, no gap above 100 ns; natively the longest was 35.0 µs."), text.npos);
	EXPECT_NE(text.find("it is not loaded"), text.npos);
}

TEST_F(ReportTest, OneVariantOrNone)
{
	expect_sound(page());
	add("native", 100, 5000);
	expect_sound(page());
}

TEST_F(ReportTest, WhatCannotBeWrittenIsAnError)
{
	auto refused = write_html(result_, "/no/such/place.html");
	ASSERT_FALSE(refused);
	EXPECT_NE(refused.error().what.find("/no/such/place.html"), std::string::npos);
}

} // namespace
} // namespace decouple::noise
