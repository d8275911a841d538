/* SPDX-License-Identifier: GPL-2.0-only */
/* Percentiles of the benches: nearest rank, always a measured value. */
#include "tools/hist.h"
#include <cmath>
#include <gtest/gtest.h>
#include <numeric>

namespace decouple::bench
{
namespace
{

/* 1, 2 ... n: the value is the rank. */
std::vector<double> ranks(size_t n)
{
	std::vector<double> v(n);
	std::iota(v.begin(), v.end(), 1.0);
	return v;
}

TEST(HistTest, Empty)
{
	Summary s = summarize({});
	EXPECT_EQ(s.n, 0u);
	EXPECT_EQ(s.min, 0);
	EXPECT_EQ(s.p50, 0);
	EXPECT_EQ(s.max, 0);
}

TEST(HistTest, OneSampleIsEverything)
{
	Summary s = summarize({7.5});
	EXPECT_EQ(s.n, 1u);
	for (double v : {s.min, s.p50, s.p99, s.p999, s.max})
		EXPECT_EQ(v, 7.5);
}

TEST(HistTest, NearestRank)
{
	struct Case {
		size_t n;
		double p50, p99, p999;
	};
	for (const Case &c : {Case{2, 1, 2, 2},
			      {3, 2, 3, 3},
			      {4, 2, 4, 4},
			      {10, 5, 10, 10},
			      {100, 50, 99, 100},
			      {101, 51, 100, 101},
			      {1000, 500, 990, 999},
			      {1001, 501, 991, 1000},
			      {2000, 1000, 1980, 1998},
			      {100000, 50000, 99000, 99900}}) {
		Summary s = summarize(ranks(c.n));
		EXPECT_EQ(s.n, c.n);
		EXPECT_EQ(s.min, 1) << c.n;
		EXPECT_EQ(s.p50, c.p50) << c.n;
		EXPECT_EQ(s.p99, c.p99) << c.n;
		EXPECT_EQ(s.p999, c.p999) << c.n;
		EXPECT_EQ(s.max, static_cast<double>(c.n));
	}
}

TEST(HistTest, ExactAtEverySize)
{
	/* The definition, in integers: the smallest rank that covers permille / 1000 of the samples. */
	for (size_t n = 1; n <= 3000; n++) {
		std::vector<double> v = ranks(n);
		for (unsigned permille : {1u, 500u, 990u, 999u, 1000u}) {
			size_t rank = 1;
			while (rank * 1000 < n * permille)
				rank++;
			ASSERT_EQ(percentile(v, permille), static_cast<double>(rank)) << n << " samples, " << permille;
			if (n > 50 && n % 97)
				break;
		}
	}
}

TEST(HistTest, EndsOfTheScale)
{
	std::vector<double> v = ranks(10);
	EXPECT_EQ(percentile(v, 0), 1);
	EXPECT_EQ(percentile(v, 1000), 10);
	EXPECT_EQ(percentile(v, 2000), 10);
}

TEST(HistTest, OrderDoesNotMatterAndTheInputIsKept)
{
	std::vector<double> v = {5, -1, 3, 3, 100};
	Summary s = summarize(v);
	EXPECT_EQ(s.min, -1);
	EXPECT_EQ(s.p50, 3);
	EXPECT_EQ(s.p99, 100);
	EXPECT_EQ(s.max, 100);
	EXPECT_EQ(v, (std::vector<double>{5, -1, 3, 3, 100}));
	EXPECT_EQ(median({9, 1, 5}), 5);
	EXPECT_EQ(median({4, 1, 3, 2}), 2) << "measured, not the mean of two";
}

TEST(HistTest, AnOutlierShowsWhereItBelongs)
{
	std::vector<double> v(999, 1.0);
	v.push_back(1e6);
	Summary s = summarize(v);
	EXPECT_EQ(s.p999, 1);
	EXPECT_EQ(s.max, 1e6);
	v.push_back(1e6);
	EXPECT_EQ(summarize(v).p999, 1e6);
}

} // namespace
} // namespace decouple::bench
