/* SPDX-License-Identifier: GPL-2.0-only */
/* Windows: which size memory gets, that none overlaps, and that those on nothing go. The memory is this process's own. */
#include "vmm-lite/proc_maps.h"
#include "vmm-lite/session.h"
#include "vmm-lite/vm.h"
#include "vmm-lite/page_table.cc"
#include "vmm-lite/proc_maps.cc"
#include <gtest/gtest.h>
#include <map>
#include <sys/mman.h>
#include <vector>

namespace decouple
{

Vm vm;
Control control;

namespace
{

struct Slot {
	u64 gpa, size, hva;
};
std::map<u32, Slot> slots; /* as KVM would have them */
bool refuse;

} // namespace

/* In place of KVM; proc_maps.h was included before, and reads the true list. */
static long to_kvm(long nr, u64 fd, u64 command, u64 argument)
{
	const auto &r = *reinterpret_cast<const struct kvm_userspace_memory_region *>(argument);
	EXPECT_TRUE(nr == __NR_ioctl && fd == 77 && command == KVM_SET_USER_MEMORY_REGION);
	if (refuse)
		return -ENOMEM;
	if (!r.memory_size)
		slots.erase(r.slot);
	else
		slots[r.slot] = {r.guest_phys_addr, r.memory_size, r.userspace_addr};
	return 0;
}
} // namespace decouple

#define sys to_kvm
#include "vmm-lite/windows.cc"
#undef sys

namespace decouple
{
namespace
{

constexpr u64 mib = 1 << 20, first_gpa = 1ull << 32;
constexpr u64 place = 0x200000000000; /* far from what a process has */

class WindowsTest : public ::testing::Test
{
protected:
	WindowsTest() : tables_(4096 * page_size), list_(64) { start(25, 32); }
	~WindowsTest() override
	{
		for (auto [at, size] : mapped_)
			munmap(at, size);
	}

	void start(u32 most, u32 count)
	{
		std::fill(tables_.begin(), tables_.end(), 0);
		vm.fd = 77;
		vm.tables.init(tables_.data(), 0x100000, page_size, tables_.size());
		windows = {};
		windows.shift_most = most;
		windows.init(list_.data(), list_.size() * sizeof(Window), count, first_gpa, first_gpa + (1ull << 40));
		slots.clear();
		refuse = false;
	}

	void map(u64 va, u64 size)
	{
		void *at = mmap(reinterpret_cast<void *>(va), size, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
		ASSERT_EQ(at, reinterpret_cast<void *>(va));
		mapped_[at] = size;
	}

	void unmap(u64 va)
	{
		munmap(reinterpret_cast<void *>(va), mapped_[reinterpret_cast<void *>(va)]);
		mapped_.erase(reinterpret_cast<void *>(va));
	}

	/* The slot that holds `va`; size 0: none. No two may hold it. */
	Slot slot_of(u64 va)
	{
		Slot found = {};
		for (auto [number, slot] : slots)
			if (va >= slot.hva && va < slot.hva + slot.size) {
				EXPECT_EQ(found.size, 0u) << "two memslots";
				found = slot;
			}
		return found;
	}

	std::vector<u8> tables_;
	std::vector<Window> list_;
	std::map<void *, u64> mapped_;
	Windows windows;
};

TEST_F(WindowsTest, ALoneSmallMappingGetsTheSmallest)
{
	map(place + 5 * mib, 64 << 10);
	ASSERT_TRUE(windows.add(place + 5 * mib));
	Slot s = slot_of(place + 5 * mib);
	EXPECT_EQ(s.hva, place + 4 * mib);
	EXPECT_EQ(s.size, 2 * mib);
	EXPECT_TRUE(vm.tables.has_area(place + 4 * mib));
	EXPECT_FALSE(vm.tables.has_area(place + 6 * mib));
	EXPECT_EQ(windows.live, 1u);
	EXPECT_EQ(control.windows, 1u);
}

TEST_F(WindowsTest, DenseMemoryGetsTheLargest)
{
	map(place, 40 * mib);
	ASSERT_TRUE(windows.add(place + 17 * mib));
	Slot s = slot_of(place + 17 * mib);
	EXPECT_EQ(s.hva, place);
	EXPECT_EQ(s.size, 32 * mib);
	EXPECT_EQ(s.gpa % (32 * mib), 0u) << "large pages need the same alignment on both sides";
	for (u64 a = place; a < place + 32 * mib; a += area_size)
		EXPECT_TRUE(vm.tables.has_area(a));
}

TEST_F(WindowsTest, AQuarterOfUseJustifiesASize)
{
	map(place, 2 * mib); /* a quarter of 8 MiB, an eighth of 16 */
	ASSERT_TRUE(windows.add(place));
	EXPECT_EQ(slot_of(place).size, 8 * mib);
}

TEST_F(WindowsTest, BesideAnotherItIsAsLargeAsFits)
{
	map(place + 30 * mib, 4096);
	map(place + 32 * mib, 4096);
	ASSERT_TRUE(windows.add(place + 30 * mib));
	ASSERT_TRUE(windows.add(place + 32 * mib));
	EXPECT_EQ(slot_of(place + 30 * mib).size, 2 * mib);
	EXPECT_EQ(slot_of(place + 32 * mib).size, 32 * mib);
}

TEST_F(WindowsTest, NeverOverAnother)
{
	map(place + 6 * mib, 4096);
	ASSERT_TRUE(windows.add(place + 6 * mib));
	map(place, 6 * mib);
	ASSERT_TRUE(windows.add(place));
	EXPECT_EQ(slot_of(place).size, 4 * mib);
	for (u64 a = place; a < place + 8 * mib; a += mib)
		(void)slot_of(a);
}

TEST_F(WindowsTest, WithHardwareDenseMemoryGetsAGiB)
{
	start(30, 32);
	map(place, 256 * mib);
	ASSERT_TRUE(windows.add(place + 5 * mib));
	EXPECT_EQ(slot_of(place + 5 * mib).size, 1024 * mib);
	map(place + 1024 * mib, 4096);
	ASSERT_TRUE(windows.add(place + 1024 * mib));
	EXPECT_EQ(slot_of(place + 1024 * mib).size, 32 * mib) << "beside another is no reason for more";
}

TEST_F(WindowsTest, StaysInUserSpace)
{
	ASSERT_TRUE(windows.add(user_start + 4096));
	Slot low = slot_of(user_start);
	EXPECT_EQ(low.hva, user_start);
	EXPECT_EQ(low.size, 2 * mib - user_start);
	EXPECT_EQ(low.gpa % (2 * mib), user_start);
	ASSERT_TRUE(windows.add(user_end - 4096));
	Slot high = slot_of(user_end - 4096);
	EXPECT_EQ(high.hva + high.size, user_end);
}

TEST_F(WindowsTest, ThoseOnNothingGoAndTheirPlaceIsUsedAgain)
{
	constexpr u32 many = 60;
	start(25, 65);
	for (u32 i = 0; i < many; i++) {
		map(place + i * 1024 * mib, 4096);
		ASSERT_TRUE(windows.add(place + i * 1024 * mib));
		if (i % 10)
			unmap(place + i * 1024 * mib);
	}
	EXPECT_EQ(slots.size(), many);
	u64 highest = windows.next_gpa;
	windows.look_at = windows.live; /* now */
	map(place + many * 1024 * mib, 4096);
	ASSERT_TRUE(windows.add(place + many * 1024 * mib));
	EXPECT_EQ(slots.size(), many / 10 + 1u);
	EXPECT_EQ(windows.live, slots.size());
	EXPECT_EQ(windows.next_gpa, highest) << "guest-physical space of a dead window is used again";
	EXPECT_EQ(slot_of(place).size, 2 * mib) << "mapped: must stay";
	EXPECT_EQ(slot_of(place + 1024 * mib).size, 0u);
	EXPECT_FALSE(vm.tables.has_area(place + 1024 * mib));
	EXPECT_GT(windows.look_at, windows.live);
}

TEST_F(WindowsTest, RefusesWhatDoesNotFit)
{
	start(21, 3);
	for (u64 i = 0; i < 3; i++)
		map(place + i * 16 * mib, 4096);
	EXPECT_TRUE(windows.add(place));
	EXPECT_TRUE(windows.add(place + 16 * mib));
	EXPECT_FALSE(windows.add(place + 32 * mib)) << "slot 0 is the stub's";
	start(21, 32);
	refuse = true;
	EXPECT_FALSE(windows.add(place));
	EXPECT_EQ(windows.live, 0u);
	EXPECT_FALSE(vm.tables.has_area(place));
}

} // namespace
} // namespace decouple
