/* SPDX-License-Identifier: GPL-2.0-only */
/* The journal of reservations, and the sets of cores that it holds. */
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "fake_host.h"

namespace decouple
{
namespace
{

TEST(CoreSetTest, Masks)
{
	EXPECT_EQ(parse_mask("f\n"), CoreSet({0, 1, 2, 3}));
	EXPECT_EQ(parse_mask("00000001,80000000\n"), CoreSet({31, 32}));
	EXPECT_EQ(parse_mask("0\n"), CoreSet());
	EXPECT_FALSE(parse_mask("0x3\n"));
	EXPECT_EQ(format_mask({0, 1, 2}, "f\n"), "7\n");
	EXPECT_EQ(format_mask({0, 1, 2}, "0000000f\n"), "00000007\n");
	EXPECT_EQ(format_mask({31, 32}, "ff,ffffffff\n"), "01,80000000\n");
	EXPECT_EQ(format_mask({}, "ff,ffffffff"), "00,00000000");
	EXPECT_EQ(format_mask({35}, "f\n"), "8,00000000\n");
	for (const char *text : {"f\n", "3f,ffffffff,00000000\n", "00000000,00000001\n"})
		EXPECT_EQ(format_mask(*parse_mask(text), text), text);
}

TEST(CoreSetTest, Lists)
{
	EXPECT_EQ(parse_list("\n"), CoreSet());
	EXPECT_EQ(parse_list("0-2,7\n"), CoreSet({0, 1, 2, 7}));
	EXPECT_FALSE(parse_list("(null)\n"));
	EXPECT_EQ(format_list({0, 1, 2, 7}), "0-2,7");
	EXPECT_EQ(without({1, 2, 3}, {2, 9}), CoreSet({1, 3}));
	EXPECT_EQ(common({1, 2}, {2, 3}), CoreSet({2}));
	EXPECT_TRUE(includes({1, 2}, {}));
}

ReservedState sample()
{
	ReservedState state;
	state.cores = {2, 3};
	state.idle = {1};
	state.hush = {{3, 250}};
	state.controller = true;
	state.values["/proc/irq/4/smp_affinity"] = {"f\n", "3\n"};
	state.tasks[51] = {1051, {1, 3}, {1}};
	return state;
}

const std::string cores_journal = Journal::path("cores");

Result<JournalContents> load(const Journal &journal, ReservedState &state)
{
	return journal.load([&](const nlohmann::json &line) { take_line(state, line); });
}

Journal opened(FakeHost &host)
{
	auto journal = Journal::open(host, "cores", true);
	EXPECT_TRUE(journal);
	return std::move(*journal);
}

TEST(JournalTest, KeepsTheState)
{
	FakeHost host;
	Journal journal = opened(host);
	ASSERT_TRUE(journal.condense(lines_of(sample())));
	ReservedState state;
	auto contents = load(journal, state);
	ASSERT_TRUE(contents);
	EXPECT_EQ(state.cores, CoreSet({2, 3}));
	EXPECT_EQ(state.idle, CoreSet({1}));
	EXPECT_EQ(state.hush.at(3), 250u);
	EXPECT_TRUE(state.controller);
	EXPECT_EQ(state.values.at("/proc/irq/4/smp_affinity").was, "f\n");
	EXPECT_EQ(state.tasks.at(51).was, CoreSet({1, 3}));
	EXPECT_EQ(state.tasks.at(51).start, 1051u);
	EXPECT_TRUE(contents->operation.empty());
	ASSERT_TRUE(journal.condense({}));
	EXPECT_FALSE(host.exists(cores_journal));
}

TEST(JournalTest, AnUnfinishedOperationIsFoundWithItsStepsAndATornLineIsNot)
{
	FakeHost host;
	Journal journal = opened(host);
	ASSERT_TRUE(journal.condense(lines_of(sample())));
	Step step = value_step("/proc/x", "old\n", "new\n", "a \xff name");
	step.second_text = "other\n";
	ASSERT_TRUE(journal.append("reserve 1", {step, step}));
	const std::string whole = host.get(cores_journal);
	size_t operations = 0, steps = 0;
	/* Cut anywhere, as a power failure or a kill may. */
	for (size_t cut = 0; cut <= whole.size(); cut++) {
		host.put(cores_journal, whole.substr(0, cut));
		ReservedState state;
		auto contents = load(journal, state);
		ASSERT_TRUE(contents) << "cut at " << cut << ": " << contents.error().what;
		operations += !contents->operation.empty();
		steps = contents->steps.size();
	}
	EXPECT_GT(operations, 10u);
	ASSERT_EQ(steps, 2u);
	ReservedState state;
	auto contents = load(journal, state);
	EXPECT_EQ(contents->operation, "reserve 1");
	EXPECT_EQ(contents->steps[0].path, "/proc/x");
	EXPECT_EQ(contents->steps[0].undo_text, "old\n");
	EXPECT_EQ(contents->steps[0].second_text, "other\n");
}

TEST(JournalTest, AFileThatWasMadeAndNotWrittenIsRemoved)
{
	FakeHost host;
	(void)opened(host);
	host.put(cores_journal, "");
	ASSERT_TRUE(Reservation::open(host, false));
	EXPECT_FALSE(host.exists(cores_journal));
}

TEST(JournalTest, OfAnotherBootIsVoid)
{
	FakeHost host;
	ASSERT_TRUE(opened(host).condense(lines_of(sample())));
	host.put("/proc/sys/kernel/random/boot_id", "second-boot\n");
	auto reservation = Reservation::open(host, true);
	ASSERT_TRUE(reservation);
	EXPECT_TRUE(reservation->state().cores.empty());
	EXPECT_TRUE(reservation->repaired().empty());
	EXPECT_FALSE(host.exists(cores_journal));
}

TEST(JournalTest, DamageIsAnErrorAndNotANewBeginning)
{
	FakeHost host;
	ASSERT_TRUE(opened(host).condense(lines_of(sample())));
	const std::string whole = host.get(cores_journal);
	for (const std::string &damaged : {"{}\n" + whole, whole + "{\"begin\n", std::string("\0\0\n", 3),
					   std::string("{\"version\":2,\"boot\":\"first-boot\"}\n")}) {
		host.put(cores_journal, damaged);
		auto reservation = Reservation::open(host, true);
		ASSERT_FALSE(reservation);
		EXPECT_NE(reservation.error().what.find("cores.journal, line "), std::string::npos);
		EXPECT_EQ(host.get(cores_journal), damaged);
	}
}

TEST(JournalTest, ItsLockKeepsOtherCommandsOut)
{
	FakeHost host;
	int pipes[2], start[2];
	ASSERT_EQ(pipe(pipes), 0);
	ASSERT_EQ(pipe(start), 0);
	const pid_t child = fork(); /* before the lock is taken, for a lock is inherited */
	if (!child) {
		char byte;
		if (read(start[0], &byte, 1) != 1)
			_exit(1);
		Journal second = opened(host);
		_exit(write(pipes[1], "x", 1) == 1 ? 0 : 1);
	}
	auto first = std::make_unique<Journal>(opened(host));
	ASSERT_EQ(write(start[1], "x", 1), 1);
	close(pipes[1]);
	timeval little = {0, 200000};
	fd_set set;
	FD_ZERO(&set);
	FD_SET(pipes[0], &set);
	EXPECT_EQ(select(pipes[0] + 1, &set, nullptr, nullptr, &little), 0) << "two had the lock at once";
	first.reset();
	char byte = 0;
	EXPECT_EQ(read(pipes[0], &byte, 1), 1);
	EXPECT_EQ(waitpid(child, nullptr, 0), child);
	for (int fd : {pipes[0], start[0], start[1]})
		close(fd);
}

} // namespace
} // namespace decouple
