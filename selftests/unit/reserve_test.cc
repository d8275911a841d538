/* SPDX-License-Identifier: GPL-2.0-only */
/* Reserving and releasing cores, on a host of plain files. */
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "fake_host.h"

namespace decouple
{
namespace
{

ReserveRequest cores(CoreSet set, Siblings siblings = Siblings::leave)
{
	ReserveRequest request;
	request.cores = std::move(set);
	request.siblings = siblings;
	return request;
}

ReserveReport reserve(FakeHost &host, const ReserveRequest &request)
{
	auto reservation = Reservation::open(host, true);
	EXPECT_TRUE(reservation) << reservation.error().what;
	auto done = reservation->reserve(request);
	EXPECT_TRUE(done) << done.error().what;
	return done.value_or(ReserveReport());
}

ReserveReport release(FakeHost &host, CoreSet set = {})
{
	auto reservation = Reservation::open(host, true);
	EXPECT_TRUE(reservation) << reservation.error().what;
	ReleaseRequest request;
	request.cores = std::move(set);
	auto done = reservation->release(request);
	EXPECT_TRUE(done) << done.error().what;
	return done.value_or(ReserveReport());
}

/* What a refused request says; it has to change nothing. */
std::string refusal(FakeHost &host, const ReserveRequest &request)
{
	const auto before = host.snapshot();
	auto reservation = Reservation::open(host, true);
	EXPECT_TRUE(reservation);
	auto done = reservation->reserve(request);
	EXPECT_FALSE(done);
	EXPECT_EQ(host.snapshot(), before);
	return done ? "" : done.error().what;
}

TEST(ReserveTest, TakesTheCoreEverywhereAndGivesItBackByteForByte)
{
	FakeHost host;
	const auto before = host.snapshot();
	const ReserveReport report = reserve(host, cores({3}));
	EXPECT_EQ(host.get("/sys/fs/cgroup/cgroup.subtree_control"), "cpuset io memory\n");
	EXPECT_EQ(host.get("/sys/fs/cgroup/decouple/cpuset.cpus"), "3\n");
	EXPECT_EQ(host.get("/sys/fs/cgroup/decouple/cpuset.cpus.partition"), "isolated\n");
	EXPECT_EQ(host.get("/sys/fs/cgroup/decouple/cgroup.subtree_control"), "cpuset\n");
	EXPECT_EQ(host.get("/proc/irq/default_smp_affinity"), "7\n");
	EXPECT_EQ(host.get("/proc/irq/0/smp_affinity"), "7\n");
	EXPECT_EQ(host.get("/proc/irq/1/smp_affinity"), "1\n");
	EXPECT_EQ(host.get("/proc/irq/2/smp_affinity"), "7\n") << "was bound to that core alone";
	EXPECT_EQ(host.get("/sys/devices/virtual/workqueue/cpumask"), "00000007\n");
	EXPECT_EQ(host.get("/sys/devices/virtual/workqueue/writeback/cpumask"), "7\n");
	EXPECT_EQ(host.get("/proc/sys/kernel/watchdog_cpumask"), "0-2\n");
	EXPECT_EQ(host.get("/proc/sys/vm/stat_interval"), "120\n");
	EXPECT_EQ(host.get("/sys/devices/system/cpu/cpu3/power/pm_qos_resume_latency_us"), "2\n");
	EXPECT_EQ(host.get("/sys/devices/system/cpu/cpu2/power/pm_qos_resume_latency_us"), "0\n");
	EXPECT_EQ(host.get("/sys/devices/system/cpu/cpu3/cpufreq/scaling_governor"), "performance\n");
	EXPECT_EQ(host.get("/sys/devices/system/cpu/cpu3/cpufreq/energy_performance_preference"), "performance\n");
	EXPECT_EQ(host.get("/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor"), "schedutil\n");
	EXPECT_EQ(host.affinity(1), CoreSet({0, 1, 2}));
	EXPECT_EQ(host.affinity(50), CoreSet({1})) << "what it was bound to, not what the cpuset made of it";
	EXPECT_EQ(host.affinity(51), CoreSet({1}));
	EXPECT_EQ(host.affinity(52), CoreSet({0, 1, 2}));
	EXPECT_EQ(report.bound_threads, 1u);
	EXPECT_EQ(report.moved_interrupts, 5u);
	ASSERT_EQ(report.kept.size(), 1u);
	EXPECT_NE(report.kept[0].find("1 kernel threads that serve all cores (task61"), std::string::npos) << report.kept[0];
	EXPECT_TRUE(release(host, {3}).kept.empty());
	EXPECT_EQ(host.snapshot(), before);
}

TEST(ReserveTest, ReleasingOneOfSeveralComputesTheMasksAnew)
{
	FakeHost host;
	const auto before = host.snapshot();
	reserve(host, cores({2, 3}));
	EXPECT_EQ(host.get("/proc/irq/0/smp_affinity"), "3\n");
	EXPECT_EQ(host.get("/proc/irq/2/smp_affinity"), "3\n");
	const auto both = host.snapshot();
	release(host, {2});
	EXPECT_EQ(host.get("/sys/fs/cgroup/decouple/cpuset.cpus"), "3\n");
	EXPECT_EQ(host.get("/proc/irq/0/smp_affinity"), "7\n");
	EXPECT_EQ(host.get("/proc/sys/kernel/watchdog_cpumask"), "0-2\n");
	EXPECT_EQ(host.get("/sys/devices/system/cpu/cpu2/power/pm_qos_resume_latency_us"), "0\n");
	EXPECT_EQ(host.affinity(51), CoreSet({1}));
	reserve(host, cores({2}));
	EXPECT_EQ(host.snapshot(), both);
	release(host, {3});
	EXPECT_EQ(host.get("/proc/irq/2/smp_affinity"), "8\n");
	EXPECT_EQ(host.affinity(52), CoreSet({3}));
	release(host);
	EXPECT_EQ(host.snapshot(), before);
}

TEST(ReserveTest, AnInterruptThatRefusesIsReportedAndNothingElseSuffers)
{
	FakeHost host;
	const auto before = host.snapshot();
	host.refusing = {"/proc/irq/3/smp_affinity"};
	const ReserveReport report = reserve(host, cores({3}));
	ASSERT_EQ(report.kept.size(), 2u);
	EXPECT_NE(report.kept[1].find("interrupt 3 (dev3)"), std::string::npos) << report.kept[1];
	EXPECT_EQ(host.get("/proc/irq/4/smp_affinity"), "7\n");
	EXPECT_TRUE(release(host).kept.empty());
	EXPECT_EQ(host.snapshot(), before);
}

TEST(ReserveTest, WhatSomebodyElseChangedMeanwhileIsLeftAlone)
{
	FakeHost host;
	reserve(host, cores({3}));
	host.put("/proc/irq/4/smp_affinity", "2\n");
	host.put("/proc/51/affinity", "0\n");
	const ReserveReport report = release(host);
	EXPECT_EQ(host.get("/proc/irq/4/smp_affinity"), "2\n");
	EXPECT_EQ(host.affinity(51), CoreSet({0}));
	ASSERT_EQ(report.notes.size(), 1u);
	EXPECT_NE(report.notes[0].find("interrupt 4 (dev4)"), std::string::npos) << report.notes[0];
	EXPECT_EQ(host.get("/proc/irq/0/smp_affinity"), "f\n");
}

TEST(ReserveTest, ATaskWithTheNumberOfAnotherIsNotTakenForIt)
{
	FakeHost host;
	reserve(host, cores({3}));
	host.put("/proc/51/stat", "51 (other) S 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 99999 0\n");
	host.put("/proc/51/affinity", "1\n");
	release(host);
	EXPECT_EQ(host.affinity(51), CoreSet({1}));
}

TEST(ReserveTest, AnOtherUserOfTheControllerKeepsIt)
{
	FakeHost host;
	reserve(host, cores({3}));
	ASSERT_TRUE(host.make_directory("/sys/fs/cgroup/other"));
	host.put("/sys/fs/cgroup/other/cpuset.cpus", "1\n");
	release(host);
	EXPECT_EQ(host.get("/sys/fs/cgroup/cgroup.subtree_control"), "cpuset io memory\n");
	EXPECT_FALSE(host.exists("/sys/fs/cgroup/decouple"));
}

TEST(ReserveTest, RefusalsChangeNothing)
{
	FakeHost host;
	EXPECT_NE(refusal(host, cores({0})).find("core 0"), std::string::npos);
	EXPECT_NE(refusal(host, cores({0, 1, 2, 3})).find("core 0"), std::string::npos);
	EXPECT_NE(refusal(host, cores({7})).find("core 7: there is none"), std::string::npos);
	host.put("/sys/devices/system/cpu/online", "0-2\n");
	EXPECT_NE(refusal(host, cores({3})).find("core 3: offline"), std::string::npos);
	host.put("/sys/devices/system/cpu/online", "1-3\n");
	EXPECT_NE(refusal(host, cores({1, 2, 3})).find("no core would be left"), std::string::npos);
	host.put("/sys/devices/system/cpu/online", "0-3\n");
	ReserveRequest hush = cores({3});
	hush.hush_ms = 1000;
	EXPECT_NE(refusal(host, hush).find("/sys/kernel/decouple/hush"), std::string::npos);
	host.put("/proc/cmdline", "isolcpus=3\n");
	host.put("/sys/devices/system/cpu/isolated", "3\n");
	EXPECT_NE(refusal(host, cores({3})).find("isolcpus="), std::string::npos);
	host.put("/proc/cmdline", "quiet\n");
	ASSERT_TRUE(host.make_directory("/sys/fs/cgroup/decouple"));
	EXPECT_NE(refusal(host, cores({3})).find("is there already"), std::string::npos);
	ASSERT_TRUE(host.remove_directory("/sys/fs/cgroup/decouple"));
	reserve(host, cores({3}));
	EXPECT_NE(refusal(host, cores({2, 3})).find("reserved already"), std::string::npos);
	auto reservation = Reservation::open(host, true);
	const auto before = host.snapshot();
	ReleaseRequest strange;
	strange.cores = {2};
	EXPECT_FALSE(reservation->release(strange));
	ReleaseRequest busy;
	busy.decoupled = {{3, 4711}};
	EXPECT_NE(reservation->release(busy).error().what.find("4711"), std::string::npos);
	host.put("/sys/fs/cgroup/decouple/cgroup.threads", "4712\n");
	EXPECT_NE(reservation->release({}).error().what.find("4712"), std::string::npos);
	host.put("/sys/fs/cgroup/decouple/cgroup.threads", "");
	EXPECT_EQ(host.snapshot(), before);
}

TEST(ReserveTest, ACpusetThatTheKernelRefusesIsTakenBack)
{
	FakeHost host;
	host.refusing = {"/sys/fs/cgroup/decouple/cpuset.cpus.partition"};
	EXPECT_NE(refusal(host, cores({3})).find("everything was put back"), std::string::npos);
}

TEST(ReserveTest, SiblingsAreLeftTakenOrKeptIdle)
{
	FakeHost host(true, true);
	const auto before = host.snapshot();
	const ReserveReport left = reserve(host, cores({3}));
	EXPECT_NE(left.notes.at(0).find("core 2 stays with Linux"), std::string::npos) << left.notes[0];
	release(host);
	reserve(host, cores({3}, Siblings::take));
	EXPECT_EQ(host.get("/sys/fs/cgroup/decouple/cpuset.cpus"), "2-3\n");
	release(host);
	reserve(host, cores({3}, Siblings::idle));
	EXPECT_EQ(host.get("/sys/fs/cgroup/decouple/cpuset.cpus"), "3\n");
	EXPECT_EQ(host.get("/sys/fs/cgroup/decouple-idle/cpuset.cpus"), "2\n");
	EXPECT_EQ(host.get("/sys/fs/cgroup/decouple-idle/cpuset.cpus.partition"), "isolated\n");
	EXPECT_EQ(host.get("/proc/irq/0/smp_affinity"), "3\n");
	EXPECT_NE(refusal(host, cores({2})).find("kept idle beside core 3"), std::string::npos);
	release(host, {3});
	EXPECT_EQ(host.snapshot(), before);
	EXPECT_NE(refusal(host, cores({1}, Siblings::take)).find("core 0"), std::string::npos);
}

TEST(ReserveTest, HushIsToldToTheModuleAndTakenBack)
{
	FakeHost host;
	host.put("/sys/kernel/decouple/hush", "\n");
	ReserveRequest hush = cores({2, 3});
	hush.hush_ms = 500;
	reserve(host, hush);
	EXPECT_EQ(host.get("/sys/kernel/decouple/hush"), "3:500\n");
	release(host, {2});
	EXPECT_EQ(host.get("/sys/kernel/decouple/hush"), "2:0\n");
	release(host);
	EXPECT_EQ(host.get("/sys/kernel/decouple/hush"), "3:0\n");
	host.refusing = {"/sys/kernel/decouple/hush"};
	auto reservation = Reservation::open(host, true);
	const auto before = host.snapshot();
	EXPECT_FALSE(reservation->reserve(hush));
	EXPECT_EQ(host.snapshot(), before);
}

TEST(ReserveTest, WhatIsShownInAnotherFileThanItIsSetIn)
{
	FakeHost host;
	const std::string mask = "/sys/devices/virtual/workqueue/cpumask";
	host.put(mask + "_requested", "0000000f\n");
	host.put(mask, "00000003\n"); /* another partition's cores are off it */
	reserve(host, cores({3}));
	EXPECT_EQ(host.get(mask + "_requested"), "00000007\n");
	EXPECT_EQ(host.get(mask), "00000007\n");
	release(host);
	EXPECT_EQ(host.get(mask + "_requested"), "0000000f\n");
}

TEST(ReserveTest, CgroupV1)
{
	FakeHost host(false);
	const auto before = host.snapshot();
	reserve(host, cores({3}));
	EXPECT_EQ(host.get("/sys/fs/cgroup/decouple/cpuset.cpus"), "3\n");
	EXPECT_EQ(host.get("/sys/fs/cgroup/decouple/cpuset.mems"), "0\n");
	EXPECT_EQ(host.get("/sys/fs/cgroup/decouple/cpuset.cpu_exclusive"), "1\n");
	EXPECT_EQ(host.get("/sys/fs/cgroup/decouple/cpuset.sched_load_balance"), "0\n");
	EXPECT_EQ(host.get("/sys/fs/cgroup/decouple-service/cpuset.cpus"), "0-2\n");
	EXPECT_EQ(host.get("/sys/fs/cgroup/cpuset.sched_load_balance"), "0\n");
	EXPECT_EQ(host.affinity(1), CoreSet({0, 1, 2})) << "moved by us: cgroup v1 moves nobody";
	EXPECT_EQ(host.affinity(52), CoreSet({0, 1, 2}));
	host.task(70, "0-2"); /* begun meanwhile by one that was moved */
	reserve(host, cores({2}));
	EXPECT_EQ(host.get("/sys/fs/cgroup/decouple-service/cpuset.cpus"), "0-1\n");
	EXPECT_EQ(host.affinity(70), CoreSet({0, 1}));
	release(host, {3});
	EXPECT_EQ(host.affinity(52), CoreSet({3}));
	release(host);
	EXPECT_EQ(host.affinity(70), CoreSet({0, 1, 2, 3}));
	fs::remove_all(host.at("/proc/70"));
	EXPECT_EQ(host.snapshot(), before);
}

/* Kills a process that does `work` before each of its changes, and looks whether the next command puts everything back. */
void kill_everywhere(FakeHost &host, const std::function<void(FakeHost &)> &work)
{
	const auto before = host.snapshot();
	int kills = 0;
	for (int at = 0;; at++) {
		const pid_t child = fork();
		if (!child) {
			host.changes = 0;
			host.changes_until_kill = at;
			work(host);
			_exit(0);
		}
		int status = 0;
		ASSERT_EQ(waitpid(child, &status, 0), child);
		if (WIFEXITED(status))
			break;
		ASSERT_EQ(WTERMSIG(status), SIGKILL);
		kills++;
		auto reservation = Reservation::open(host, true);
		ASSERT_TRUE(reservation) << reservation.error().what;
		EXPECT_EQ(reservation->repaired().size(), 1u) << "killed before change " << at;
		ASSERT_EQ(host.snapshot(), before) << "killed before change " << at;
	}
	EXPECT_GT(kills, 20);
}

TEST(ReserveCrashTest, AKilledReserveIsUndone)
{
	for (bool unified : {true, false}) {
		FakeHost host(unified, true);
		kill_everywhere(host, [](FakeHost &h) { reserve(h, cores({3}, Siblings::idle)); });
	}
}

TEST(ReserveCrashTest, AKilledReleaseIsUndone)
{
	for (bool unified : {true, false}) {
		FakeHost host(unified, true);
		reserve(host, cores({3}, Siblings::idle));
		kill_everywhere(host, [](FakeHost &h) { release(h); });
	}
}

TEST(ReserveCrashTest, AKilledRepairIsRepaired)
{
	FakeHost host;
	const auto before = host.snapshot();
	for (int at = 0; at < 20; at++) {
		for (int victim = 0; victim < 2; victim++) {
			const pid_t child = fork();
			if (!child) {
				host.changes = 0;
				host.changes_until_kill = victim ? at : 12;
				reserve(host, cores({3}));
				_exit(0);
			}
			ASSERT_EQ(waitpid(child, nullptr, 0), child);
		}
		ASSERT_TRUE(Reservation::open(host, true));
		if (host.exists("/sys/fs/cgroup/decouple")) /* the second came through */
			release(host);
		ASSERT_EQ(host.snapshot(), before) << "killed before change " << at;
	}
}

} // namespace
} // namespace decouple
