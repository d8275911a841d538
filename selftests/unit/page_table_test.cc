/* SPDX-License-Identifier: GPL-2.0-only */
/* Guest page tables: what the CPU would find when it walks them, for each way an area can be mapped, remapped and forgotten. */
#include "vmm-lite/page_table.cc"
#include <gtest/gtest.h>
#include <vector>

namespace decouple
{
namespace
{

constexpr u64 gpa_base = 0x100000, window = 0x140000000;
constexpr u64 text = 0x555555400000, heap = 0x7ffff7a00000, far_away = 0x100000000000;
constexpr u64 leaf_flags = pte::present | pte::write | pte::user | pte::accessed | pte::dirty;

class PageTableTest : public ::testing::Test
{
protected:
	PageTableTest() : memory_(64 * page_size) { restart(64); }

	/* Tables for `pages` pages, the PML4 among them. */
	void restart(u64 pages)
	{
		std::fill(memory_.begin(), memory_.end(), 0);
		table.init(memory_.data(), gpa_base, page_size, pages * page_size);
	}

	/* The leaf entry that the CPU finds, 0: not present at some level. Written without the code under test. */
	u64 walk(u64 va)
	{
		u64 at = gpa_base;
		for (int shift = 39; shift >= 12; shift -= 9) {
			EXPECT_LT(at - gpa_base, memory_.size());
			u64 e = reinterpret_cast<u64 *>(&memory_[at - gpa_base])[va >> shift & 511];
			if (!(e & 1))
				return 0;
			if (shift == 12 || (e & 0x80))
				return e;
			EXPECT_EQ(e & 7, 7u) << "an upper entry must leave everything to the leaf";
			EXPECT_FALSE(e >> 63) << "NX in an upper entry";
			at = e & pte::address;
		}
		return 0;
	}

	/* Guest-physical address that `va` is translated to. */
	u64 translate(u64 va)
	{
		u64 e = walk(va), offset_mask = e & pte::large ? area_size - 1 : page_size - 1;
		return e ? (e & pte::address & ~offset_mask) | (va & offset_mask) : 0;
	}

	static ExecPages pages(u64 area, u64 start, u64 end)
	{
		ExecPages e;
		e.add(area, start, end);
		return e;
	}

	PageTable table;

private:
	std::vector<u8> memory_;
};

TEST(ExecPagesTest, EmptyHasNothing)
{
	ExecPages e;
	EXPECT_FALSE(e.any());
	for (u32 i = 0; i < area_pages; i++)
		EXPECT_FALSE(e.test(i));
}

TEST(ExecPagesTest, AddMarksExactlyTheRange)
{
	ExecPages e;
	e.add(text, text + 62 * page_size, text + 66 * page_size);
	for (u32 i = 0; i < area_pages; i++)
		EXPECT_EQ(e.test(i), i >= 62 && i < 66) << i;
	EXPECT_TRUE(e.any());
}

TEST(ExecPagesTest, AddClipsAtBothEndsOfTheArea)
{
	ExecPages first, last, all, outside;
	first.add(text, text - 5 * page_size, text + page_size);
	last.add(text, text + area_size - page_size, text + area_size + 5 * page_size);
	all.add(text, 0, ~0ull & ~(page_size - 1));
	outside.add(text, text - 2 * page_size, text);
	outside.add(text, text + area_size, text + area_size + page_size);
	for (u32 i = 0; i < area_pages; i++) {
		EXPECT_EQ(first.test(i), i == 0) << i;
		EXPECT_EQ(last.test(i), i == area_pages - 1) << i;
		EXPECT_TRUE(all.test(i)) << i;
	}
	EXPECT_FALSE(outside.any());
}

TEST(ExecPagesTest, AddStaysWithinItsBits)
{
	struct {
		ExecPages e;
		u64 behind = 0;
	} guarded;
	guarded.e.add(text, text, text + area_size + page_size);
	guarded.e.add(text, text + area_size, text + area_size + page_size);
	EXPECT_EQ(guarded.behind, 0u);
}

TEST(ExecPagesTest, AddAccumulatesAndTakesPartOfAPageAsThePage)
{
	ExecPages e;
	e.add(text, text, text + page_size);
	e.add(text, text + 511 * page_size + 8, text + 511 * page_size + 16);
	EXPECT_TRUE(e.test(0));
	EXPECT_FALSE(e.test(1));
	EXPECT_TRUE(e.test(511));
}

TEST_F(PageTableTest, NothingIsMappedAtFirst)
{
	EXPECT_FALSE(table.has_area(text));
	EXPECT_FALSE(table.allows(text, false));
	EXPECT_FALSE(table.executable(text));
	EXPECT_EQ(table.tables_used(), page_size);
}

TEST_F(PageTableTest, AreaWithoutExecutablePagesIsOneLargeNxEntry)
{
	ASSERT_TRUE(table.map_area(heap + 0x12345, window, {}));
	EXPECT_EQ(walk(heap), window | leaf_flags | pte::large | pte::nx);
	EXPECT_EQ(translate(heap + 0x1fffff), window + 0x1fffff);
	EXPECT_TRUE(table.has_area(heap));
	EXPECT_TRUE(table.has_area(heap + area_size - 1));
	EXPECT_TRUE(table.allows(heap + 0x5000, false));
	EXPECT_FALSE(table.executable(heap));
	EXPECT_EQ(table.area_gpa(heap + 0x5000), window);
	EXPECT_EQ(table.tables_used(), 3 * page_size) << "PDPT and PD only";
	EXPECT_FALSE(table.has_area(heap - 1));
	EXPECT_FALSE(table.has_area(heap + area_size));
	EXPECT_FALSE(table.allows(heap + area_size, false));
}

TEST_F(PageTableTest, OnlyExecutablePagesLackNx)
{
	ASSERT_TRUE(table.map_area(text, window, pages(text, text + 3 * page_size, text + 5 * page_size)));
	for (u64 i = 0; i < area_pages; i++) {
		bool exec = i == 3 || i == 4;
		u64 va = text + i * page_size;
		EXPECT_EQ(walk(va), (window + i * page_size) | leaf_flags | (exec ? 0 : pte::nx)) << i;
		EXPECT_EQ(table.executable(va), exec) << i;
		EXPECT_TRUE(table.allows(va, false)) << i;
	}
	EXPECT_TRUE(table.has_area(text));
	EXPECT_EQ(table.area_gpa(text + 7 * page_size), window);
	EXPECT_EQ(table.tables_used(), 4 * page_size);
}

TEST_F(PageTableTest, NeighboursShareTables)
{
	ASSERT_TRUE(table.map_area(heap, window, {}));
	ASSERT_TRUE(table.map_area(heap + area_size, window + 4 * area_size, {}));
	EXPECT_EQ(table.tables_used(), 3 * page_size);
	EXPECT_EQ(translate(heap + 1), window + 1);
	EXPECT_EQ(translate(heap + area_size + 1), window + 4 * area_size + 1);
}

TEST_F(PageTableTest, EndsOfTheUserHalf)
{
	constexpr u64 top = 0x7fffffe00000;
	ASSERT_TRUE(table.map_area(0, window, {}));
	ASSERT_TRUE(table.map_area(top, window + area_size, pages(top, top + area_size - page_size, top + area_size)));
	EXPECT_EQ(translate(0x1000), window + 0x1000);
	EXPECT_EQ(translate(0x7fffffffffff), window + area_size + 0x1fffff);
	EXPECT_TRUE(table.executable(0x7fffffffffff));
}

TEST_F(PageTableTest, LargeAreaBecomesATableWhenAPageTurnsExecutable)
{
	ASSERT_TRUE(table.map_area(heap, window, {}));
	ASSERT_TRUE(table.map_area(heap, window, pages(heap, heap, heap + page_size)));
	EXPECT_EQ(table.tables_used(), 4 * page_size);
	EXPECT_TRUE(table.executable(heap));
	EXPECT_FALSE(table.executable(heap + page_size));
	EXPECT_EQ(translate(heap + 0x1ff123), window + 0x1ff123);
}

TEST_F(PageTableTest, RemapOfATableReusesItAndTakesAwayExecution)
{
	ASSERT_TRUE(table.map_area(text, window, pages(text, text, text + 2 * page_size)));
	u64 used = table.tables_used();
	ASSERT_TRUE(table.map_area(text, window + 8 * area_size, pages(text, text + page_size, text + 2 * page_size)));
	EXPECT_FALSE(table.executable(text));
	EXPECT_TRUE(table.executable(text + page_size));
	ASSERT_TRUE(table.map_area(text, window + 8 * area_size, {}));
	for (u64 i = 0; i < area_pages; i++) {
		EXPECT_FALSE(table.executable(text + i * page_size)) << i;
		EXPECT_EQ(translate(text + i * page_size), window + 8 * area_size + i * page_size) << i;
	}
	EXPECT_EQ(table.area_gpa(text), window + 8 * area_size);
	EXPECT_FALSE(walk(text) & pte::large) << "the table would be lost";
	ASSERT_TRUE(table.map_area(text, window, pages(text, text, text + page_size)));
	EXPECT_EQ(table.tables_used(), used);
}

TEST_F(PageTableTest, RemapOfALargeAreaMovesIt)
{
	ASSERT_TRUE(table.map_area(heap, window, {}));
	ASSERT_TRUE(table.map_area(heap, window + area_size, {}));
	EXPECT_EQ(translate(heap + 5), window + area_size + 5);
	EXPECT_EQ(table.area_gpa(heap), window + area_size);
}

TEST_F(PageTableTest, ForgetHitsExecutablePagesOfTheRangeOnlyAndKeepsTheAddress)
{
	ASSERT_TRUE(table.map_area(text, window, pages(text, text, text + 4 * page_size)));
	EXPECT_EQ(table.forget(text + 2 * page_size, text + 8 * page_size), 2u);
	for (u64 i = 0; i < area_pages; i++) {
		bool gone = i == 2 || i == 3;
		EXPECT_EQ(table.allows(text + i * page_size, false), !gone) << i;
		EXPECT_EQ(table.executable(text + i * page_size), i < 2) << i;
		EXPECT_EQ(walk(text + i * page_size) == 0, gone) << i;
	}
	EXPECT_TRUE(table.has_area(text));
	EXPECT_EQ(table.area_gpa(text + 2 * page_size), window);
	EXPECT_EQ(table.forget(text, text + 4 * page_size), 2u) << "what was forgotten is not counted again";
}

TEST_F(PageTableTest, ForgetOfTheFirstPageKeepsTheAddressOfTheArea)
{
	ASSERT_TRUE(table.map_area(text, window, pages(text, text, text + page_size)));
	EXPECT_EQ(table.forget(text, text + 1), 1u);
	EXPECT_FALSE(table.allows(text, false));
	EXPECT_EQ(table.area_gpa(text), window);
}

TEST_F(PageTableTest, ForgetStepsOverHolesAndLargeAreas)
{
	ASSERT_TRUE(table.map_area(text, window, pages(text, text + 511 * page_size, text + area_size)));
	ASSERT_TRUE(table.map_area(text + area_size, window + area_size, {}));
	u64 far = text + 3 * area_size;
	ASSERT_TRUE(table.map_area(far, window + 3 * area_size, pages(far, far, far + page_size)));
	EXPECT_EQ(table.forget(text + 0x800, far + page_size), 2u);
	EXPECT_FALSE(table.allows(text + 511 * page_size, false));
	EXPECT_TRUE(table.allows(text + area_size, false)) << "a large area has nothing to ask again";
	EXPECT_FALSE(table.allows(far, false));
	EXPECT_EQ(table.forget(heap, heap + area_size), 0u) << "nothing mapped";
	ASSERT_TRUE(table.map_area(far, window + 3 * area_size, pages(far, far, far + page_size)));
	EXPECT_EQ(table.forget(far - 3 * page_size, far + page_size), 1u) << "from the middle of a hole";
}

TEST_F(PageTableTest, MapAgainAfterForget)
{
	ASSERT_TRUE(table.map_area(text, window, pages(text, text, text + page_size)));
	table.forget(text, text + page_size);
	ASSERT_TRUE(table.map_area(text, table.area_gpa(text), pages(text, text, text + page_size)));
	EXPECT_TRUE(table.executable(text));
	EXPECT_EQ(translate(text), window);
}

/* What the memory type of an entry is, by the slots of IA32_PAT: bits 2:0 of the slot's byte (SDM 3A 11.12.2). */
u64 memory_type(u64 entry)
{
	return guest_pat >> (8 * ((entry >> 3 & 3) | (entry >> 7 & 1 && !(entry & pte::large) ? 4 : 0))) & 7;
}
constexpr u64 write_combining = 1, write_back = 6, uncached_minus = 7;

DevicePages device(u64 area, u64 start, u64 end, u64 prot, Caching caching)
{
	DevicePages d;
	d.add(area, start, end, prot, caching);
	return d;
}

TEST_F(PageTableTest, DevicePagesHaveRightsAndMemoryTypeOfTheirOwn)
{
	DevicePages d = device(heap, heap, heap + page_size, prot_read | prot_write, Caching::uncached);
	d.add(heap, heap + page_size, heap + 2 * page_size, prot_read, Caching::combining);
	d.add(heap, heap + 2 * page_size, heap + 3 * page_size, prot_write, Caching::left);
	d.add(heap, heap + 3 * page_size, heap + 4 * page_size, prot_none, Caching::uncached);
	ASSERT_TRUE(table.map_area(heap, window, {}, d));
	EXPECT_EQ(memory_type(walk(heap)), uncached_minus);
	EXPECT_EQ(memory_type(walk(heap + page_size)), write_combining);
	EXPECT_EQ(memory_type(walk(heap + 2 * page_size)), write_back);
	EXPECT_EQ(memory_type(walk(heap + 4 * page_size)), write_back);
	EXPECT_TRUE(table.allows(heap, true));
	EXPECT_TRUE(table.allows(heap + page_size, false));
	EXPECT_FALSE(table.allows(heap + page_size, true));
	EXPECT_TRUE(table.allows(heap + 2 * page_size, true));
	EXPECT_FALSE(table.allows(heap + 3 * page_size, false));
	EXPECT_EQ(walk(heap + 3 * page_size), 0u);
	EXPECT_EQ(walk(heap + 4 * page_size), (window + 4 * page_size) | leaf_flags | pte::nx) << "memory beside it";
	for (u64 page = 0; page < 3; page++) {
		EXPECT_EQ(translate(heap + page * page_size + 8), window + page * page_size + 8);
		EXPECT_TRUE(walk(heap + page * page_size) >> 63) << "nothing to execute";
	}
}

TEST_F(PageTableTest, ADeviceOfAWholeAreaNeedsNoTable)
{
	const u64 before = table.tables_used();
	ASSERT_TRUE(table.map_area(heap, window, {}, device(heap, heap, heap + area_size, prot_read, Caching::combining)));
	EXPECT_EQ(memory_type(walk(heap)), write_combining);
	EXPECT_TRUE(walk(heap) & pte::large);
	EXPECT_FALSE(table.allows(heap + page_size, true));
	const u64 one = table.tables_used();
	/* Another right for one of its pages: asked again, and then in a table. */
	EXPECT_EQ(table.forget(heap + page_size, heap + 2 * page_size), 1u);
	EXPECT_FALSE(table.allows(heap, false));
	EXPECT_EQ(table.area_gpa(heap), window);
	DevicePages d = device(heap, heap, heap + page_size, prot_read, Caching::combining);
	d.add(heap, heap + page_size, heap + area_size, prot_read | prot_write, Caching::combining);
	ASSERT_TRUE(table.map_area(heap, window, {}, d));
	EXPECT_EQ(table.tables_used(), one + page_size);
	EXPECT_FALSE(table.allows(heap, true));
	EXPECT_TRUE(table.allows(heap + page_size, true));
	EXPECT_GT(one, before) << "the tables above it";
}

TEST_F(PageTableTest, DevicePagesAreForgottenAndGiveWayToMemory)
{
	const u64 end = heap + 2 * page_size;
	ASSERT_TRUE(table.map_area(heap, window, {}, device(heap, heap, end, prot_read | prot_write, Caching::uncached)));
	EXPECT_EQ(table.forget(heap, heap + area_size), 2u);
	EXPECT_FALSE(table.allows(heap, false));
	EXPECT_TRUE(table.allows(end, true)) << "memory beside it has nothing to ask";
	EXPECT_EQ(table.forget(heap, end), 2u) << "a device's without access may get some";
	ASSERT_TRUE(table.map_area(heap, window, {}));
	EXPECT_EQ(memory_type(walk(heap)), write_back);
	EXPECT_TRUE(table.allows(heap, true));
	EXPECT_EQ(table.forget(heap, end), 0u);
}

TEST_F(PageTableTest, ALateDeviceIsAskedForInALargeArea)
{
	ASSERT_TRUE(table.map_area(heap, window, {}));
	table.ask_again(heap + page_size, heap + 2 * page_size);
	EXPECT_TRUE(table.has_area(heap));
	EXPECT_FALSE(table.allows(heap, false));
	EXPECT_EQ(table.area_gpa(heap), window);
	ASSERT_TRUE(table.map_area(heap, window, {},
				   device(heap, heap + page_size, heap + 2 * page_size, prot_read, Caching::uncached)));
	EXPECT_TRUE(table.allows(heap, true));
	EXPECT_FALSE(table.allows(heap + page_size, true));
	table.ask_again(far_away, far_away + area_size); /* nothing there */
	EXPECT_FALSE(table.has_area(far_away));
}

TEST_F(PageTableTest, OutOfTablesLeavesTheRestAsItWas)
{
	restart(4); /* PML4, PDPT, PD and one table */
	ASSERT_TRUE(table.map_area(text, window, pages(text, text, text + page_size)));
	u64 other = text + area_size;
	EXPECT_FALSE(table.map_area(other, window + area_size, pages(other, other, other + page_size)));
	EXPECT_FALSE(table.has_area(other));
	EXPECT_FALSE(table.allows(other, false));
	EXPECT_FALSE(table.map_area(heap, window, {})) << "needs a PDPT";
	EXPECT_FALSE(table.has_area(heap));
	EXPECT_FALSE(table.map_page(heap, window, 0));
	EXPECT_TRUE(table.map_area(other, window + area_size, {})) << "needs no table";
	EXPECT_TRUE(table.executable(text));
	EXPECT_EQ(table.tables_used(), 4 * page_size);
}

TEST_F(PageTableTest, ALargeAreaSurvivesThatItsTableIsNotToBeHad)
{
	restart(3);
	ASSERT_TRUE(table.map_area(heap, window, {}));
	EXPECT_FALSE(table.map_area(heap, window, pages(heap, heap, heap + page_size)));
	EXPECT_EQ(walk(heap), window | leaf_flags | pte::large | pte::nx);
}

TEST_F(PageTableTest, StubPages)
{
	constexpr u64 stub = 0xffffff8000000000;
	ASSERT_TRUE(table.map_page(stub, gpa_base, pte::write));
	ASSERT_TRUE(table.map_page(stub + page_size, gpa_base + page_size, pte::user | pte::nx));
	EXPECT_EQ(walk(stub), gpa_base | pte::write | pte::present | pte::accessed | pte::dirty)
		<< "supervisor-only unless told";
	EXPECT_EQ(walk(stub + page_size),
		  (gpa_base + page_size) | pte::user | pte::nx | pte::present | pte::accessed | pte::dirty);
	EXPECT_EQ(walk(stub + 2 * page_size), 0u);
	table.unmap_page(stub);
	EXPECT_EQ(walk(stub), 0u);
	EXPECT_FALSE(table.allows(stub, false));
	EXPECT_NE(walk(stub + page_size), 0u);
	table.unmap_page(heap); /* not there: nothing happens */
	EXPECT_FALSE(table.has_area(heap));
}

TEST_F(PageTableTest, UnmappedTablesComeBackEmpty)
{
	restart(8);
	u64 beside = text + area_size;
	ASSERT_TRUE(table.map_area(text, window, pages(text, text, text + 3 * page_size)));
	ASSERT_TRUE(table.map_area(beside, window + area_size, {}));
	u64 used = table.tables_used();
	table.unmap(text, text + area_size);
	EXPECT_FALSE(table.has_area(text));
	EXPECT_EQ(walk(text), 0u);
	EXPECT_EQ(walk(beside), (window + area_size) | leaf_flags | pte::large | pte::nx) << "the neighbour stays";
	table.unmap(beside - area_size, beside + area_size);
	EXPECT_FALSE(table.has_area(beside));
	table.unmap(text, text + area_size); /* not there: nothing happens */
	table.reuse_unmapped();
	/* As many as before, of which nothing shows what they were. */
	ASSERT_TRUE(table.map_area(heap, window, pages(heap, heap, heap + page_size)));
	EXPECT_EQ(table.tables_used(), used);
	EXPECT_EQ(walk(heap), window | leaf_flags);
	for (u64 va = heap + page_size; va < heap + area_size; va += page_size)
		ASSERT_EQ(walk(va), (window + va - heap) | leaf_flags | pte::nx);
	for (u64 va = heap & ~((1ull << 39) - 1), i = 0; i < 512; i++, va += 1ull << 30) {
		bool here = va == (heap & ~((1ull << 30) - 1));
		ASSERT_EQ(table.has_area(va), here && heap == va);
	}
}

TEST_F(PageTableTest, RetiredTablesAreNotUsedYet)
{
	restart(4);
	ASSERT_TRUE(table.map_area(text, window, pages(text, text, text + page_size)));
	table.unmap(text, text + area_size);
	EXPECT_FALSE(table.map_area(text, window, {})) << "a CPU may still know the old ones";
	table.reuse_unmapped();
	EXPECT_TRUE(table.map_area(text, window, {}));
	EXPECT_EQ(walk(text), window | leaf_flags | pte::large | pte::nx);
}

} // namespace
} // namespace decouple
