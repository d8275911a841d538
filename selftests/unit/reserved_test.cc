/* SPDX-License-Identifier: GPL-2.0-only */
/* Cpusets, reservations and NUMA nodes as they are read from a tree of files, and what is written there. */
#include "userland/core_list.cc"
#include "userland/cpuset.cc"
#include "userland/nodes.cc"
#include "userland/reserved.cc"

#include <gtest/gtest.h>

#include <filesystem>

namespace decouple
{

using List = std::vector<int>;

class Tree : public testing::Test
{
protected:
	Tree() : root(testing::TempDir() + "decouple-tree-" + std::to_string(getpid())) { std::filesystem::remove_all(root); }
	~Tree() override { std::filesystem::remove_all(root); }

	void put(const std::string &path, const std::string &text) const
	{
		std::filesystem::create_directories(std::filesystem::path(root + path).parent_path());
		std::ofstream(root + path) << text;
	}
	std::string get(const std::string &path) const { return first_line(root + path); }

	void mount_v2(const std::string &subtree = "/", const std::string &place = "/sys/fs/cgroup") const
	{
		put("/proc/self/mountinfo", "22 1 0:21 / /proc rw shared:5 - proc proc rw\n25 22 0:30 " + subtree + " " +
						    place + " rw,nosuid shared:9 master:2 - cgroup2 cgroup2 rw,nsdelegate\n");
	}
	void mount_v1() const
	{
		put("/proc/self/mountinfo", "31 25 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
					    "35 25 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
					    "36 25 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n");
	}
	void partition(const std::string &directory, const std::string &state, const std::string &cores) const
	{
		put(directory + "/cpuset.cpus.partition", state + "\n");
		put(directory + "/cpuset.cpus.effective", cores + "\n");
		put(directory + "/cgroup.type", "domain\n");
		put(directory + "/cgroup.threads", "");
	}

	const std::string root;
};

TEST_F(Tree, nothing_is_mounted)
{
	EXPECT_FALSE(Cpusets::mounted(root));
	EXPECT_TRUE(reserved_sets(7, root).empty());
	put("/proc/self/mountinfo", "22 1 0:21 / /proc rw - proc proc rw\n36 25 0:30 / /x rw - cgroup cgroup rw,cpu,cpuset2\n");
	EXPECT_FALSE(Cpusets::mounted(root));
}

TEST_F(Tree, cpuset_of_a_process)
{
	mount_v2();
	put("/proc/7/cgroup", "1:name=systemd:/elsewhere\n0::/job/step\n");
	put("/sys/fs/cgroup/job/cpuset.cpus.effective", "4-5\n"); /* not delegated further */
	std::filesystem::create_directories(root + "/sys/fs/cgroup/job/step");
	auto c = Cpusets::mounted(root);
	ASSERT_TRUE(c && !c->v1());
	EXPECT_EQ(c->cgroup_of(7), "/job/step");
	EXPECT_EQ(c->cores_of(7), List({4, 5}));
	EXPECT_EQ(c->cgroup_of(8), "");
	EXPECT_EQ(c->cores_of(8), List());
}

TEST_F(Tree, v1_comes_first)
{
	mount_v1();
	put("/proc/7/cgroup", "4:cpuset:/job\n2:cpu,cpuacct:/other\n0::/third\n");
	put("/sys/fs/cgroup/cpuset/job/cpuset.effective_cpus", "1\n");
	auto c = Cpusets::mounted(root);
	ASSERT_TRUE(c && c->v1());
	EXPECT_EQ(c->cgroup_of(7), "/job");
	EXPECT_EQ(c->cores_of(7), List({1}));
}

TEST_F(Tree, part_of_the_hierarchy_is_mounted)
{
	mount_v2("/box", "/my\\040cgroup");
	put("/proc/7/cgroup", "0::/box/in\n");
	put("/proc/8/cgroup", "0::/boxer\n");
	put("/proc/9/cgroup", "0::/box\n");
	partition("/my cgroup/decouple", "isolated", "3");
	auto c = Cpusets::mounted(root);
	EXPECT_EQ(c->directory("/box/in"), root + "/my cgroup/in");
	EXPECT_EQ(c->directory("/boxer"), "");
	EXPECT_EQ(c->directory("/box"), root + "/my cgroup");
	ASSERT_EQ(reserved_sets(9, root).size(), 1u);
	EXPECT_EQ(reserved_sets(9, root)[0].above, "/box");
	EXPECT_TRUE(may_enter(reserved_sets(9, root)[0], 9, root));
	mount_v2();
	EXPECT_EQ(Cpusets::mounted(root)->directory("/../beside"), "");
}

TEST_F(Tree, only_valid_partitions_are_reservations)
{
	mount_v2();
	put("/proc/7/cgroup", "0::/\n");
	for (const char *state : {"member", "isolated invalid (Cpu list in cpuset.cpus not exclusive)", "root invalid", ""}) {
		partition("/sys/fs/cgroup/decouple", state, "2-3");
		EXPECT_TRUE(reserved_sets(7, root).empty()) << state;
	}
	for (const char *state : {"isolated", "root"}) {
		partition("/sys/fs/cgroup/decouple", state, "2-3");
		ASSERT_EQ(reserved_sets(7, root).size(), 1u) << state;
		EXPECT_EQ(reserved_sets(7, root)[0].cores, List({2, 3}));
	}
	partition("/sys/fs/cgroup/decouple", "isolated", "");
	EXPECT_TRUE(reserved_sets(7, root).empty());
}

TEST_F(Tree, entering_v2)
{
	mount_v2();
	put("/proc/7/cgroup", "0::/\n");
	put("/proc/7/task/9/comm", "dec-vcpu/7\n");
	put("/proc/7/task/10/comm", "worker\n");
	partition("/sys/fs/cgroup/decouple", "isolated", "2-3");
	EXPECT_EQ(enter_reserved(7, 9, 1, root).error().code, EINVAL);
	EXPECT_EQ(enter_reserved(7, 10, 2, root).error().code, ESRCH);
	EXPECT_EQ(enter_reserved(7, 11, 2, root).error().code, ESRCH);
	EXPECT_EQ(get("/sys/fs/cgroup/decouple/cgroup.threads"), "");
	ASSERT_TRUE(enter_reserved(7, 9, 2, root));
	EXPECT_TRUE(get("/sys/fs/cgroup/decouple/cgroup.type").starts_with("threaded"));
	EXPECT_EQ(get("/sys/fs/cgroup/decouple/cgroup.threads"), "9");
}

TEST_F(Tree, another_domain)
{
	mount_v2();
	put("/proc/7/cgroup", "0::/job\n");
	put("/proc/7/task/9/comm", "dec-vcpu/7\n");
	partition("/sys/fs/cgroup/decouple", "isolated", "2");
	partition("/sys/fs/cgroup/job/decouple", "isolated", "3");
	ASSERT_EQ(reserved_sets(7, root).size(), 2u);
	auto refused = enter_reserved(7, 9, 2, root);
	ASSERT_FALSE(refused);
	EXPECT_EQ(refused.error().code, EOPNOTSUPP);
	EXPECT_NE(refused.error().what.find("it is in the cgroup /job"), std::string::npos);
	EXPECT_EQ(get("/sys/fs/cgroup/decouple/cgroup.threads"), "");
	ASSERT_TRUE(enter_reserved(7, 9, 3, root));
	EXPECT_EQ(get("/sys/fs/cgroup/job/decouple/cgroup.threads"), "9");
}

TEST_F(Tree, entering_v1)
{
	mount_v1();
	put("/proc/7/cgroup", "4:cpuset:/job\n0::/\n");
	put("/proc/7/task/9/comm", "dec-vcpu/7\n");
	put("/sys/fs/cgroup/cpuset/decouple/cpuset.cpus", "3\n");
	EXPECT_EQ(enter_reserved(7, 9, 3, root).error().code, EACCES); /* no such file */
	put("/sys/fs/cgroup/cpuset/decouple/tasks", "");
	ASSERT_TRUE(enter_reserved(7, 9, 3, root));
	EXPECT_EQ(get("/sys/fs/cgroup/cpuset/decouple/tasks"), "9");
}

TEST_F(Tree, nodes_and_memory)
{
	EXPECT_TRUE(read_nodes(root).empty());
	EXPECT_EQ(memory_node(7, root), -1);
	put("/sys/devices/system/node/online", "0,2\n");
	put("/sys/devices/system/node/node0/cpulist", "0-1\n");
	put("/sys/devices/system/node/node0/distance", "10 21\n");
	put("/sys/devices/system/node/node2/cpulist", "2-3\n");
	put("/sys/devices/system/node/node2/distance", "21 10\n");
	auto nodes = read_nodes(root);
	ASSERT_EQ(nodes.size(), 2u);
	EXPECT_EQ(nodes[2].cores, List({2, 3}));
	EXPECT_EQ(distances_from(2, nodes), (std::map<int, int>{{0, 21}, {1, 21}, {2, 10}, {3, 10}}));
	EXPECT_TRUE(distances_from(-1, nodes).empty());
	put("/proc/7/numa_maps", "5581 default file=/bin/N9=4 mapped=9 N0=9 kernelpagesize_kB=4\n"
				 "7f00 default anon=2 dirty=2 N0=5 N2=12 kernelpagesize_kB=4\n"
				 "7f80 default huge anon=1 N2=1 kernelpagesize_kB=2048\n");
	EXPECT_EQ(memory_node(7, root), 2);
	put("/proc/7/numa_maps",
	    "5581 default file=/x mapped=9 N0=9 kernelpagesize_kB=4\n7f default N2=8 kernelpagesize_kB=4\n");
	EXPECT_EQ(memory_node(7, root), 0);
}

} // namespace decouple
