/* SPDX-License-Identifier: GPL-2.0-only */
/* Which cores are taken: reserved ones that nobody uses, near ones first; what is left serves; what is said when there is none. */
#include "userland/core_choice.cc"
#include "userland/core_list.cc"

#include <gtest/gtest.h>

namespace decouple
{

using List = std::vector<int>;

static CoreFacts machine(List allowed, List reserved = {})
{
	CoreFacts f;
	f.allowed = f.bound = f.usable = allowed;
	f.reserved = reserved;
	for (int core : reserved)
		if (!contains(f.usable, core))
			f.usable.push_back(core);
	return f;
}

static List chosen(const CoreFacts &f, unsigned threads)
{
	return choose_dedicated(f, free_reserved(f), threads);
}

TEST(core_choice, reserved_first)
{
	EXPECT_EQ(chosen(machine({0, 1}, {2, 3}), 1), List({2}));
	EXPECT_EQ(chosen(machine({0, 1}, {2, 3}), 2), List({2, 3}));
	EXPECT_EQ(chosen(machine({0, 1}, {2, 3}), 0), List({2}));
}

TEST(core_choice, reserved_ones_that_are_allowed_too)
{
	/* cgroup v1: the root's cpuset has all. */
	auto f = machine({0, 1, 2, 3}, {1, 2});
	EXPECT_EQ(chosen(f, 1), List({1}));
	EXPECT_EQ(choose_service(f, {1}), List({0, 3}));
	EXPECT_EQ(choose_service(f, {1, 3}), List({0}));
}

TEST(core_choice, used_ones_are_left_alone)
{
	auto f = machine({0, 1}, {2, 3});
	f.users[2] = 1;
	EXPECT_EQ(chosen(f, 1), List({3}));
	f.users[3] = 1;
	EXPECT_EQ(chosen(f, 1), List({1}));
	EXPECT_EQ(choose_service(f, {1}), List({0}));
}

TEST(core_choice, out_of_reach)
{
	auto f = machine({0, 1}, {2, 3});
	f.usable = {0, 1, 3};
	EXPECT_EQ(chosen(f, 1), List({3}));
	f.usable = {0, 1};
	EXPECT_EQ(chosen(f, 1), List({1}));
	f.usable = {};
	EXPECT_EQ(chosen(f, 1), List());
}

TEST(core_choice, near_ones_first)
{
	auto f = machine({0, 1}, {2, 3, 4, 5});
	f.distance = {{0, 10}, {1, 20}, {2, 10}, {3, 20}, {4, 10}, {5, 20}};
	EXPECT_EQ(free_reserved(f), List({2, 4, 3, 5}));
	f.distance = {{2, 21}, {3, 10}, {4, 21}, {5, 10}};
	EXPECT_EQ(chosen(f, 3), List({3, 5, 2}));
}

TEST(core_choice, threads_spread_over_reserved_ones_and_then_others)
{
	auto f = machine({0, 1, 2}, {3});
	EXPECT_EQ(chosen(f, 2), List({3, 2}));
	EXPECT_EQ(chosen(f, 3), List({3, 2, 1}));
	EXPECT_EQ(chosen(f, 9), List({3, 2, 1})); /* one serves */
	EXPECT_EQ(choose_service(f, {3, 2, 1}), List({0}));
	EXPECT_EQ(chosen(machine({0}, {3}), 2), List({3}));
}

TEST(core_choice, without_any_as_ever)
{
	auto f = machine({0, 1, 2, 3});
	EXPECT_EQ(chosen(f, 1), List({3}));
	EXPECT_EQ(chosen(f, 9), List({3, 2, 1}));
	f.users = {{3, 1}, {2, 2}};
	EXPECT_EQ(chosen(f, 2), List({1, 0}));
	f.bound = {2};
	EXPECT_EQ(chosen(f, 2), List({2}));
	EXPECT_EQ(choose_service(f, {0, 1, 2, 3}), List({0, 1, 2, 3}));
}

TEST(core_choice, service_cores_are_never_reserved_unless_all_are)
{
	EXPECT_EQ(choose_service(machine({0, 1}, {1}), {0}), List({0}));
	EXPECT_EQ(choose_service(machine({2, 3}, {2, 3}), {2}), List({2, 3}));
}

TEST(core_choice, notes)
{
	auto none = machine({0, 1}), some = machine({0, 1}, {2});
	EXPECT_EQ(reservation_note(none, {1}, 1, ""),
		  "no reserved core: taken is core 1, which Linux uses too; reserve with `decouple cores reserve 1`");
	EXPECT_EQ(reservation_note(some, {2}, 1, ""), "");
	EXPECT_EQ(reservation_note(some, {2}, 3, ""), ""); /* they share it: nothing else was free */
	EXPECT_EQ(
		reservation_note(some, {1}, 1, ""),
		"no reserved core is free (2): taken is core 1, which Linux uses too; reserve with `decouple cores reserve 1`");
	EXPECT_EQ(reservation_note(some, {1}, 1, "out of reach"), "out of reach. So taken is core 1, which Linux uses too");
	EXPECT_EQ(reservation_note(machine({0, 1, 2, 3}, {4}), {4, 3, 2}, 3, ""),
		  "only 1 of 3 threads get reserved cores: taken are cores 2-3, which Linux uses too; reserve with `decouple "
		  "cores "
		  "reserve 2-3`");
}

TEST(core_list, both_ways)
{
	for (const char *text : {"0", "0-3", "1,4-7", "0,2,4", "8191"})
		EXPECT_EQ(format_core_list(parse_core_list(text).value()), text);
	EXPECT_EQ(format_core_list(parse_core_list("3,1-2,2").value()), "1-3");
	EXPECT_EQ(format_core_list({}), "");
	for (const char *text : {"", ",", "1,", "-1", "3-1", "1-", "x", "1 2", "8192", "99999999999", "1-2-3", "1\n"})
		EXPECT_FALSE(parse_core_list(text)) << text;
}

} // namespace decouple
