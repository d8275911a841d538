/* SPDX-License-Identifier: GPL-2.0-only */
/* KVM's statistics file, and what a process could make of it. */
#include "userland/kvm_stats.cc"
#include <gtest/gtest.h>

#include <fcntl.h>
#include <memory>
#include <sys/ioctl.h>
#include <unistd.h>

namespace decouple
{
namespace
{

constexpr uint32_t name_size = 16;

/* A file as KVM makes it: header, id, descriptors, data. */
class Statistics
{
public:
	Statistics()
	{
		header_ = {.flags = 0,
			   .name_size = name_size,
			   .num_desc = 0,
			   .id_offset = 24,
			   .desc_offset = 40,
			   .data_offset = 2000};
	}
	void add(const char *name, uint64_t value, uint64_t before = 0, uint32_t type = KVM_STATS_TYPE_CUMULATIVE,
		 uint16_t size = 1)
	{
		const Descriptor desc = {type, 0, size, data_, 0};
		const uint64_t at = header_.desc_offset + header_.num_desc++ * (sizeof(desc) + name_size);
		std::memcpy(stats.file + at, &desc, sizeof(desc));
		std::strncpy(reinterpret_cast<char *>(stats.file + at + sizeof(desc)), name, name_size);
		std::memcpy(stats.file + header_.data_offset + data_, &value, sizeof(value));
		std::memcpy(stats.base + header_.data_offset + data_, &before, sizeof(before));
		data_ += size * uint32_t(sizeof(value));
		std::memcpy(stats.file, &header_, sizeof(header_));
		stats.size = stats.base_size = header_.data_offset + data_;
	}
	std::string text() const
	{
		std::string all;
		for (const KvmFigure &f : kvm_figures(stats))
			all += f.name + "=" + std::to_string(f.value) + " ";
		return all;
	}
	kvm_stats_header header_;
	KvmStats stats = {};

private:
	uint32_t data_ = 0;
};

TEST(KvmStatsTest, NamesAndValuesThatAreNotZero)
{
	Statistics s;
	s.add("exits", 7);
	s.add("halt_exits", 0);
	s.add("histogram", 5, 0, KVM_STATS_TYPE_LOG_HIST, 4);
	s.add("irq_exits", uint64_t{1} << 40);
	EXPECT_EQ(s.text(), "exits=7 irq_exits=1099511627776 ");
	EXPECT_EQ(kvm_figure(kvm_figures(s.stats), "exits"), 7u);
	EXPECT_EQ(kvm_figure(kvm_figures(s.stats), "halt_exits"), 0u);
}

TEST(KvmStatsTest, CumulativeOnesCountFromTheBegin)
{
	Statistics s;
	s.add("exits", 107, 100);
	s.add("none_since", 5, 5);
	s.add("gone_back", 5, 9);
	s.add("guest_mode", 1, 1, KVM_STATS_TYPE_INSTANT);
	EXPECT_EQ(s.text(), "exits=7 guest_mode=1 ");
}

TEST(KvmStatsTest, NothingReadYet)
{
	EXPECT_EQ(kvm_figures(KvmStats{}).size(), 0u);
}

TEST(KvmStatsTest, AnyContentIsHarmless)
{
	auto stats = std::make_unique<KvmStats>();
	uint64_t random = 1;
	for (int round = 0; round < 20000; round++) {
		Statistics s;
		s.add("exits", 1);
		s.add("a\nname", 1);
		*stats = s.stats;
		for (int change = 0; change < 4; change++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			const auto at = random >> 33 & 127, value = random >> 20;
			std::memcpy(stats->file + at, &value, 1 + (random >> 60 & 3));
		}
		stats->size = uint32_t(random >> 32);
		for (const KvmFigure &f : kvm_figures(*stats))
			for (char c : f.name)
				EXPECT_TRUE(c > ' ' && c <= '~');
	}
}

TEST(KvmStatsTest, TheRealFile)
{
	const int kvm = open("/dev/kvm", O_RDWR);
	if (kvm < 0 || ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_BINARY_STATS_FD) <= 0)
		GTEST_SKIP() << "no /dev/kvm, or one without statistics";
	const int vm = ioctl(kvm, KVM_CREATE_VM, 0), vcpu = ioctl(vm, KVM_CREATE_VCPU, 0),
		  fd = ioctl(vcpu, KVM_GET_STATS_FD, 0);
	KvmStats stats = {};
	const ssize_t size = pread(fd, stats.file, sizeof(stats.file), 0);
	ASSERT_GT(size, 0);
	stats.size = uint32_t(size);
	kvm_stats_header header;
	ASSERT_TRUE(get(File(stats.file, stats.size), 0, &header));
	std::memset(stats.file + header.data_offset, 1, stats.size - header.data_offset);
	for (const char *name : {"exits", "irq_exits", "signal_exits", "halt_exits", "io_exits", "mmio_exits"})
		EXPECT_EQ(kvm_figure(kvm_figures(stats), name), 0x0101010101010101u) << name;
	for (int file : {fd, vcpu, vm, kvm})
		close(file);
}

} // namespace
} // namespace decouple
