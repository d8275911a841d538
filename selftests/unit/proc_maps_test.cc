/* SPDX-License-Identifier: GPL-2.0-only */
/* The parser of /proc/PID/maps, fed character by character, and the reader on this process's own. */
#include "vmm-lite/proc_maps.cc"
#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <vector>

namespace decouple
{
namespace
{

std::vector<Vma> parse(MapsParser &parser, std::string_view text)
{
	std::vector<Vma> all;
	Vma vma;
	for (char c : text)
		if (parser.feed(c, vma))
			all.push_back(vma);
	return all;
}

std::vector<Vma> parse(std::string_view text)
{
	MapsParser parser;
	return parse(parser, text);
}

void expect_vma(const Vma &v, u64 start, u64 end, u64 prot)
{
	EXPECT_EQ(v.start, start);
	EXPECT_EQ(v.end, end);
	EXPECT_EQ(v.prot, prot) << std::hex << start;
}

constexpr std::string_view typical =
	"00400000-00452000 r-xp 00000000 08:02 173521                             /usr/bin/dbus-daemon\n"
	"35b1800000-35b1820000 rw-p 00000000 08:02 135522  /usr/lib64/ld-2.15.so\n"
	"7f1234560000-7f1234570000 ---p 00000000 00:00 0 \n"
	"7f1234570000-7f1234571000 rwxs 00001000 00:01 2048 /dev/zero (deleted)\n"
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n";

TEST(MapsParserTest, TypicalLines)
{
	std::vector<Vma> v = parse(typical);
	ASSERT_EQ(v.size(), 5u);
	expect_vma(v[0], 0x400000, 0x452000, prot_read | prot_exec);
	expect_vma(v[1], 0x35b1800000, 0x35b1820000, prot_read | prot_write);
	expect_vma(v[2], 0x7f1234560000, 0x7f1234570000, prot_none);
	expect_vma(v[3], 0x7f1234570000, 0x7f1234571000, prot_read | prot_write | prot_exec);
	expect_vma(v[4], 0xffffffffff600000, 0xffffffffff601000, prot_exec);
}

TEST(MapsParserTest, DevicesByTheirNames)
{
	struct {
		const char *name;
		bool device;
		Caching caching;
	} cases[] = {
		{"", false, Caching::left},
		{"/usr/lib/libc.so.6", false, Caching::left},
		{"/sys/devices/pci0000:00/0000:00:03.0/resource0", true, Caching::uncached},
		{"/sys/devices/pci0000:00/0000:00:03.0/resource2_wc", true, Caching::combining},
		{"/home/a_wc", false, Caching::left},
		{"anon_inode:[vfio-device]", true, Caching::uncached},
		{"anon_inode:kvm-vcpu:0", false, Caching::left},
		{"/dev/vfio/devices/vfio0", true, Caching::uncached},
		{"/dev/hpet", true, Caching::uncached},
		{"/dev/infiniband/uverbs0", true, Caching::left},
		{"/dev/shm/sem.x", false, Caching::left},
		{"/dev/zero (deleted)", false, Caching::left},
		{"/dev/hugepages/x", false, Caching::left},
		{"/de", false, Caching::left},
		{"/memfd:/dev/hpet (deleted)", false, Caching::left},
		{"[vvar]", true, Caching::left},
		{"[vvar_vclock]", true, Caching::left},
		{"[vdso]", false, Caching::left},
	};
	for (const auto &c : cases) {
		/* Followed by one that is none: nothing of the name is left over. */
		const std::string text = std::string("1000-2000 rw-s 00001000 00:15 4711             ") + c.name +
					 "\n2000-3000 rw-p 00000000 00:00 0 \n";
		const auto v = parse(text);
		ASSERT_EQ(v.size(), 2u);
		EXPECT_EQ(v[0].device, c.device) << c.name;
		EXPECT_EQ(v[0].caching, c.caching) << c.name;
		expect_vma(v[0], 0x1000, 0x2000, prot_read | prot_write);
		EXPECT_FALSE(v[1].device) << c.name;
	}
}

TEST(MapsParserTest, AVmaIsCompleteAtTheEndOfItsLineAndNotBefore)
{
	MapsParser parser;
	Vma vma = {1, 2, 3};
	constexpr std::string_view line = "1000-2000 r--p 00000000 00:00 0 /a b-c rwx";
	for (char c : line)
		ASSERT_FALSE(parser.feed(c, vma));
	expect_vma(vma, 1, 2, 3);
	ASSERT_TRUE(parser.feed('\n', vma));
	expect_vma(vma, 0x1000, 0x2000, prot_read);
}

TEST(MapsParserTest, AnyPlaceToBreakTheTextIsAllowed)
{
	for (size_t cut = 0; cut <= typical.size(); cut++) {
		MapsParser parser;
		std::vector<Vma> v = parse(parser, typical.substr(0, cut)), rest = parse(parser, typical.substr(cut));
		v.insert(v.end(), rest.begin(), rest.end());
		ASSERT_EQ(v.size(), 5u) << "cut at " << cut;
		expect_vma(v[3], 0x7f1234570000, 0x7f1234571000, prot_read | prot_write | prot_exec);
	}
}

TEST(MapsParserTest, NamesThatLookLikeSomethingElse)
{
	std::vector<Vma> v = parse("1000-2000 r--p 0 00:00 1 /tmp/3000-4000 rwxp 0 00:00 0\n"
				   "5000-6000 -w-p 0 00:00 1 /tmp/new\\012line\n"
				   "7000-8000 --xs 0 00:00 0 [anon:a name: with - signs]\n"
				   "9000-a000 r-xp 0 00:00 0 /\xc3\xa4\xff\x01\n");
	ASSERT_EQ(v.size(), 4u);
	expect_vma(v[0], 0x1000, 0x2000, prot_read);
	expect_vma(v[1], 0x5000, 0x6000, prot_write);
	expect_vma(v[2], 0x7000, 0x8000, prot_exec);
	expect_vma(v[3], 0x9000, 0xa000, prot_read | prot_exec);
}

TEST(MapsParserTest, LowestAndHighestAddresses)
{
	std::vector<Vma> v = parse("00000000-00001000 rw-p 0 0:0 0\nfffffffffffff000-ffffffffffffffff r--p 0 0:0 0\n"
				   "0123456789abcdef-fedcba9876543210 r--p 0 0:0 0\n");
	ASSERT_EQ(v.size(), 3u);
	expect_vma(v[0], 0, 0x1000, prot_read | prot_write);
	expect_vma(v[1], 0xfffffffffffff000, ~0ull, prot_read);
	expect_vma(v[2], 0x0123456789abcdef, 0xfedcba9876543210, prot_read);
}

TEST(MapsParserTest, NothingFromNothing)
{
	EXPECT_TRUE(parse("").empty());
	EXPECT_TRUE(parse("1000-2000 rwxp 00000000 00:00 0 cut off").empty());
}

TEST(ForEachVmaTest, FindsWhatIsMapped)
{
	/* Three pages of different protection: neighbours that the kernel can't merge. */
	u8 *p = static_cast<u8 *>(mmap(nullptr, 3 * page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	ASSERT_NE(p, MAP_FAILED);
	ASSERT_EQ(mprotect(p + page_size, page_size, PROT_NONE), 0);
	ASSERT_EQ(mprotect(p + 2 * page_size, page_size, PROT_READ | PROT_EXEC), 0);
	u64 start = addr(p), last_end = 0;
	std::vector<Vma> found;
	found.reserve(8);
	long ret = for_each_vma([&](const Vma &v) {
		EXPECT_GE(v.start, last_end);
		EXPECT_GT(v.end, v.start);
		last_end = v.end;
		if (v.end > start && v.start < start + 3 * page_size)
			found.push_back(v);
		return true;
	});
	EXPECT_EQ(ret, 0);
	ASSERT_EQ(found.size(), 3u);
	EXPECT_LE(found[0].start, start);
	EXPECT_EQ(found[0].end, start + page_size);
	EXPECT_EQ(found[0].prot, prot_read | prot_write);
	expect_vma(found[1], start + page_size, start + 2 * page_size, prot_none);
	EXPECT_EQ(found[2].start, start + 2 * page_size);
	EXPECT_EQ(found[2].prot, prot_read | prot_exec);
	munmap(p, 3 * page_size);
}

TEST(ForEachVmaTest, StopsWhenToldAndLeavesNoFile)
{
	int before = dup(0);
	ASSERT_GE(before, 0);
	close(before);
	int visits = 0;
	EXPECT_EQ(for_each_vma([&](const Vma &) { return ++visits < 2; }), 0);
	EXPECT_EQ(visits, 2);
	int after = dup(0);
	close(after);
	EXPECT_EQ(after, before);
}

} // namespace
} // namespace decouple
