/* SPDX-License-Identifier: GPL-2.0-only */
/* Binding PCI functions to vfio-pci and back, on a sysfs of plain files. */
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "fake_pci.h"

namespace decouple
{
namespace
{

using Addresses = std::vector<std::string>;

Result<BindReport> bind(FakePci &host, const Addresses &addresses)
{
	auto binding = Binding::open(host, true);
	EXPECT_TRUE(binding) << binding.error().what;
	return binding->bind(addresses);
}

Result<BindReport> unbind(FakePci &host, const Addresses &addresses = {})
{
	auto binding = Binding::open(host, true);
	EXPECT_TRUE(binding) << binding.error().what;
	return binding->unbind(addresses);
}

/* What a refused request says; it has to change nothing. */
std::string refusal(FakePci &host, const Addresses &addresses, unsigned vfs = 0)
{
	const auto before = host.state();
	auto binding = Binding::open(host, true);
	EXPECT_TRUE(binding);
	auto done = vfs ? binding->bind_virtual(addresses[0], vfs) : binding->bind(addresses);
	EXPECT_FALSE(done);
	EXPECT_EQ(host.state(), before);
	return done ? "" : done.error().what;
}

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST(PciAddressTest, WhatIsOneAndWhatIsNot)
{
	EXPECT_EQ(parse_pci_address("0000:03:00.0"), "0000:03:00.0");
	EXPECT_EQ(parse_pci_address("03:1F.7"), "0000:03:1f.7");
	EXPECT_EQ(parse_pci_address("10000:03:00.0"), "10000:03:00.0");
	for (const char *text : {"", "3:0.0", "03:00", "03:00.8", "03:00.00", "0000:03:00.0 ", "../03:00.0", "g3:00.0",
				 "000:03:00.0", "0000:03:00:0", "all", "eth0"})
		EXPECT_FALSE(parse_pci_address(text)) << text;
}

TEST(BindingTest, BindsAndGivesBack)
{
	FakePci host;
	const auto before = host.state();
	auto report = bind(host, {host.nvme});
	ASSERT_TRUE(report) << report.error().what;
	EXPECT_EQ(host.driver(host.nvme), "vfio-pci");
	EXPECT_EQ(host.driver(host.hca), "mlx5_core");
	ASSERT_EQ(report->functions.size(), 1u);
	EXPECT_EQ(report->functions[0].driver, "nvme");
	EXPECT_EQ(report->functions[0].group, "5");
	EXPECT_SAYS(refusal(host, {host.nvme}), "bound already");
	ASSERT_TRUE(unbind(host, {host.nvme}));
	EXPECT_EQ(host.driver(host.nvme), "nvme");
	EXPECT_EQ(host.state(), before);
}

TEST(BindingTest, AFormerOverrideComesBack)
{
	FakePci host;
	host.put(pci_devices + std::string(host.nvme) + "/driver_override", "nvme\n");
	const auto before = host.state();
	ASSERT_TRUE(bind(host, {host.nvme}));
	ASSERT_TRUE(unbind(host));
	EXPECT_EQ(host.state(), before);
}

TEST(BindingTest, AGroupIsTakenAsAWhole)
{
	FakePci host;
	const auto before = host.state();
	const std::string said = refusal(host, {host.right});
	EXPECT_SAYS(said, "0000:08:00.0 (mlx5_core)");
	EXPECT_EQ(said.find(host.bridge), std::string::npos) << "a bridge's driver does no harm: " << said;
	EXPECT_TRUE(bind(host, {host.left})) << "the other has no driver";
	ASSERT_TRUE(unbind(host));
	ASSERT_TRUE(bind(host, {host.left, host.right}));
	EXPECT_EQ(host.driver(host.right), "vfio-pci");
	ASSERT_TRUE(unbind(host, {host.right}));
	EXPECT_EQ(host.driver(host.right), "");
	EXPECT_EQ(host.driver(host.left), "vfio-pci");
	ASSERT_TRUE(unbind(host));
	EXPECT_EQ(host.state(), before);
}

TEST(BindingTest, RefusalsChangeNothing)
{
	FakePci host;
	EXPECT_SAYS(refusal(host, {"0000:09:00.0"}), "no such PCI function");
	EXPECT_SAYS(refusal(host, {host.bridge}), "a bridge");
	EXPECT_SAYS(refusal(host, {host.nvme, "0000:09:00.0"}), "no such PCI function");
	host.add_below(host.nvme, "/nvme/nvme0/nvme0n1", "/sys/block");
	host.directory("/sys/block/nvme0n1/nvme0n1p2");
	host.put("/sys/block/nvme0n1/nvme0n1p2/dev", "259:2\n");
	host.put("/proc/self/mountinfo", "22 1 259:2 / /home rw,noatime shared:1 - xfs /dev/nvme0n1p2 rw\n");
	EXPECT_SAYS(refusal(host, {host.nvme}), "mounted on /home");
	host.put("/proc/self/mountinfo", "22 1 0:30 / /data rw - btrfs /dev/nvme0n1p2 rw\n");
	EXPECT_SAYS(refusal(host, {host.nvme}), "mounted on /data");
	host.put("/proc/self/mountinfo", "\n");
	host.put("/proc/swaps", "Filename\tType\n/dev/nvme0n1p2  partition 1 0 -2\n");
	EXPECT_SAYS(refusal(host, {host.nvme}), "is swap");
	host.put("/proc/swaps", "Filename\n");
	host.directory("/sys/block/nvme0n1/holders/dm-0");
	EXPECT_SAYS(refusal(host, {host.nvme}), "part of dm-0");
	host.add_below(host.hca, "/net/ib0", "/sys/class/net");
	host.put("/sys/class/net/ib0/flags", "0x1003\n");
	EXPECT_SAYS(refusal(host, {host.hca}), "ip link set ib0 down");
	host.put("/sys/class/net/ib0/flags", "0x1002\n");
	host.put(pci_devices + std::string(host.hca) + "/sriov_numvfs", "2\n");
	EXPECT_SAYS(refusal(host, {host.hca}), "2 virtual functions");
	host.put(pci_devices + std::string(host.hca) + "/sriov_numvfs", "0\n");
	EXPECT_SAYS(refusal(host, {host.hca}, 5), "can have 4");
	EXPECT_SAYS(refusal(host, {host.left}, 1), "no virtual functions");
	host.remove_group_links(host.hca);
	EXPECT_SAYS(refusal(host, {host.hca}, 1), "no IOMMU in use");
	EXPECT_SAYS(refusal(host, {host.hca}), "no IOMMU in use");
	fs::remove(host.at(pci_devices + std::string(host.hca) + "/driver"));
	EXPECT_SAYS(refusal(host, {host.hca}, 1), "has no driver");
	fs::remove(host.at(std::string(pci_drivers) + "vfio-pci"));
	EXPECT_SAYS(refusal(host, {host.left}), "modprobe vfio-pci");
	auto done = unbind(host, {host.left});
	ASSERT_FALSE(done);
	EXPECT_SAYS(done.error().what, "not bound by");
}

TEST(BindingTest, NvmeMultipathHidesTheDiskThatIsMounted)
{
	FakePci host;
	host.add_below(host.nvme, "/nvme/nvme0/nvme0c1n1", "/sys/block");
	host.directory("/sys/block/nvme0n1");
	host.put("/sys/block/nvme0n1/dev", "259:3\n");
	host.put("/proc/self/mountinfo", "22 1 259:3 / /srv rw - ext4 /dev/nvme0n1 rw\n");
	EXPECT_SAYS(refusal(host, {host.nvme}), "mounted on /srv");
}

TEST(BindingTest, ADriverThatRefusesIsPutBack)
{
	FakePci host;
	host.stubborn = "vfio-pci";
	const auto before = host.state();
	auto done = bind(host, {host.nvme});
	ASSERT_FALSE(done);
	EXPECT_SAYS(done.error().what, "everything was put back");
	EXPECT_EQ(host.state(), before);
}

TEST(BindingTest, WhoHasItOpenKeepsIt)
{
	FakePci host;
	ASSERT_TRUE(bind(host, {host.nvme}));
	host.directory("/proc/50/fd");
	fs::create_symlink("/dev/vfio/5", host.at("/proc/50/fd/7"));
	auto done = unbind(host);
	ASSERT_FALSE(done);
	EXPECT_SAYS(done.error().what, "process 50 (task50)");
	EXPECT_EQ(host.driver(host.nvme), "vfio-pci");
	fs::remove(host.at("/proc/50/fd/7"));
	EXPECT_TRUE(unbind(host));
}

TEST(BindingTest, WhatSomebodyElseBoundMeanwhileIsLeftAlone)
{
	FakePci host;
	ASSERT_TRUE(bind(host, {host.nvme}));
	const std::string where = pci_devices + std::string(host.nvme);
	fs::remove(host.at(where + "/driver"));
	host.link(std::string(pci_drivers) + "mlx5_core", where + "/driver");
	auto done = unbind(host);
	ASSERT_TRUE(done);
	EXPECT_EQ(host.driver(host.nvme), "mlx5_core");
	ASSERT_EQ(done->notes.size(), 1u);
	EXPECT_SAYS(done->notes[0], "left alone");
}

TEST(BindingTest, VirtualFunctionsAreMadeBoundAndRemoved)
{
	FakePci host;
	const auto before = host.state();
	{
		auto binding = Binding::open(host, true);
		ASSERT_TRUE(binding);
		auto done = binding->bind_virtual(host.hca, 2);
		ASSERT_TRUE(done) << done.error().what;
		ASSERT_EQ(done->functions.size(), 2u);
		EXPECT_EQ(done->functions[1].address, "0000:06:00.2");
	}
	EXPECT_EQ(host.driver("0000:06:00.1"), "vfio-pci");
	EXPECT_EQ(host.driver("0000:06:00.2"), "vfio-pci");
	EXPECT_EQ(host.driver(host.hca), "mlx5_core");
	EXPECT_SAYS(refusal(host, {host.hca}, 1), "has 2 virtual functions already: 0000:06:00.1 0000:06:00.2");
	auto done = unbind(host, {"0000:06:00.1"});
	ASSERT_FALSE(done);
	EXPECT_SAYS(done.error().what, "unbind that");
	ASSERT_TRUE(unbind(host, {host.hca}));
	EXPECT_EQ(host.state(), before);
}

TEST(BindingTest, OfAnotherBootIsVoid)
{
	FakePci host;
	ASSERT_TRUE(bind(host, {host.nvme}));
	host.put("/proc/sys/kernel/random/boot_id", "second-boot\n");
	auto binding = Binding::open(host, true);
	ASSERT_TRUE(binding);
	EXPECT_TRUE(binding->state().empty());
	EXPECT_FALSE(host.exists(Journal::path("devices")));
}

/* Runs `work` in a child that is killed before change number `at`; true: it was. */
template <class Work> bool killed_at(FakePci &host, int at, Work work)
{
	const pid_t child = fork();
	if (!child) {
		host.changes = 0;
		host.changes_until_kill = at;
		_exit(work() ? 0 : 1);
	}
	int status = 0;
	EXPECT_EQ(waitpid(child, &status, 0), child);
	EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status);
}

/* Behind a kill anywhere the next command leaves all as it was before the functions were bound; `work` may also have come to its end. */
template <class Work>
void kill_everywhere(FakePci &host, const std::map<std::string, std::string> &native, Work work, bool ends_bound)
{
	int kills = 0;
	for (int at = 0; at < 100; at++) {
		const bool killed = killed_at(host, at, work);
		{
			auto binding = Binding::open(host, true);
			ASSERT_TRUE(binding);
			EXPECT_EQ(!binding->repaired().empty(), killed) << at;
		}
		if (!killed) {
			EXPECT_GT(kills, 1);
			if (ends_bound) {
				ASSERT_TRUE(unbind(host));
			}
			EXPECT_EQ(host.state(), native);
			return;
		}
		kills++;
		EXPECT_EQ(host.state(), native) << "killed before change " << at;
		if (!ends_bound) {
			ASSERT_TRUE(bind(host, {host.nvme, host.left}));
		}
	}
	FAIL() << "no end";
}

TEST(BindingTest, KilledAnywhereWhileItBinds)
{
	FakePci host;
	const auto native = host.state();
	kill_everywhere(
		host, native,
		[&] {
			return bool(bind(host, {host.nvme, host.left}));
		},
		true);
}

TEST(BindingTest, KilledAnywhereWhileItMakesVirtualFunctions)
{
	FakePci host;
	const auto native = host.state();
	auto work = [&] {
		auto binding = Binding::open(host, true);
		return binding && binding->bind_virtual(host.hca, 2);
	};
	kill_everywhere(host, native, work, true);
}

TEST(BindingTest, KilledAnywhereWhileItUnbinds)
{
	FakePci host;
	const auto native = host.state();
	ASSERT_TRUE(bind(host, {host.nvme, host.left}));
	kill_everywhere(
		host, native, [&] { return bool(unbind(host)); }, false);
}

} // namespace
} // namespace decouple
