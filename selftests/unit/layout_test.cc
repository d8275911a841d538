/* SPDX-License-Identifier: GPL-2.0-only */
/* What must hold between the numbers of layout.h and slot.h: nothing overlaps, everything fits, selectors are Linux's. */
#include "decouple/layout.h"
#include "decouple/exchange.h"
#include "decouple/slot.h"
#include <algorithm>
#include <cstdint>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace decouple
{
namespace
{

struct Range {
	const char *name;
	uint64_t start, size;
};

void expect_disjoint(std::vector<Range> ranges, uint64_t limit)
{
	std::sort(ranges.begin(), ranges.end(), [](const Range &a, const Range &b) { return a.start < b.start; });
	for (size_t i = 0; i + 1 < ranges.size(); i++)
		EXPECT_LE(ranges[i].start + ranges[i].size, ranges[i + 1].start)
			<< ranges[i].name << " and " << ranges[i + 1].name;
	EXPECT_LE(ranges.back().start + ranges.back().size, limit) << ranges.back().name;
}

constexpr uint64_t page = DECOUPLE_PAGE_SIZE, gib4 = 1ull << 32;
constexpr uint64_t iret_size = 2, tss_size = 104, frame_size = 40, frame_size_error = 48;

TEST(LayoutTest, GuestPhysical)
{
	expect_disjoint({{"stub", DECOUPLE_GPA_STUB, DECOUPLE_STUB_SIZE},
			 {"doorbells", DECOUPLE_GPA_DOORBELL, DECOUPLE_DOORBELL_SIZE},
			 {"KVM's identity map and TSS", DECOUPLE_TSS_ADDR - page, 4 * page},
			 {"memory", DECOUPLE_GPA_MEMORY, 1}},
			~0ull);
	EXPECT_GE(DECOUPLE_GPA_MEMORY, gib4) << "below 4 GiB is the APIC";
	EXPECT_LE(DECOUPLE_TSS_ADDR + 3 * page, gib4);
	for (uint64_t a :
	     {DECOUPLE_GPA_STUB + 0ull, DECOUPLE_STUB_SIZE + 0ull, DECOUPLE_GPA_DOORBELL + 0ull, DECOUPLE_TSS_ADDR + 0ull})
		EXPECT_EQ(a % page, 0u) << std::hex << a;
	EXPECT_EQ(DECOUPLE_GPA_MEMORY % (1ull << 30), 0u) << "windows are aligned to their size";
	EXPECT_NE(DECOUPLE_GPA_STUB, 0) << "an address of 0 means no table left";
}

TEST(LayoutTest, StubArea)
{
	constexpr uint64_t idt_size = 256 * 16;
	expect_disjoint({{"PML4", DECOUPLE_STUB_OFF_PML4, page},
			 {"IDT", DECOUPLE_STUB_OFF_IDT, idt_size},
			 {"vector stubs", DECOUPLE_STUB_OFF_TRAPS, DECOUPLE_TRAP_IRET + iret_size},
			 {"tables", DECOUPLE_STUB_OFF_TABLES, page},
			 {"vCPU blocks", DECOUPLE_STUB_OFF_VCPUS, uint64_t{DECOUPLE_VCPU_MAX} * DECOUPLE_VCPU_STRIDE}},
			DECOUPLE_STUB_SIZE);
	for (uint64_t offset : {DECOUPLE_STUB_OFF_IDT, DECOUPLE_STUB_OFF_TRAPS, DECOUPLE_STUB_OFF_TABLES,
				DECOUPLE_STUB_OFF_VCPUS, DECOUPLE_STUB_OFF_PROBE, DECOUPLE_VCPU_STRIDE})
		EXPECT_EQ(offset % page, 0u) << std::hex << offset;
	EXPECT_EQ(DECOUPLE_STUB_OFF_PML4, 0) << "page_table.h puts the PML4 there";
	EXPECT_LE(256 * DECOUPLE_TRAP_STRIDE, DECOUPLE_TRAP_IRET) << "the last vector stub reaches into the iretq";
	/* A table for the pages of every block, and some for the application. */
	EXPECT_GE(DECOUPLE_STUB_OFF_VCPUS - DECOUPLE_STUB_OFF_TABLES, 4096 * page);
}

TEST(LayoutTest, GuestVirtual)
{
	constexpr uint64_t va = DECOUPLE_STUB_VA;
	EXPECT_EQ(va >> 47, 0x1ffffu) << "not in the upper half or not canonical";
	EXPECT_EQ(va % (1ull << 39), 0u) << "the stub area has a PML4 entry of its own";
	EXPECT_GE(DECOUPLE_STUB_OFF_PROBE, DECOUPLE_STUB_SIZE) << "the probe's alias lies over the area";
	EXPECT_GT(va + DECOUPLE_STUB_OFF_PROBE + DECOUPLE_VCPU_STRIDE, va) << "wraps";
}

TEST(LayoutTest, VcpuBlock)
{
	expect_disjoint({{"entry", DECOUPLE_VCPU_OFF_ENTRY, page},
			 {"slot", DECOUPLE_VCPU_OFF_SLOT, page},
			 {"scratch", DECOUPLE_VCPU_OFF_SCRATCH, page},
			 {"GDT", DECOUPLE_VCPU_OFF_GDT, DECOUPLE_GDT_LIMIT + 1},
			 {"TSS", DECOUPLE_VCPU_OFF_TSS, tss_size},
			 {"stack", DECOUPLE_VCPU_OFF_STACK, page},
			 {"doorbell", DECOUPLE_VCPU_OFF_DOORBELL, page},
			 {"exchange", DECOUPLE_VCPU_OFF_EXCHANGE, 2 * page}},
			DECOUPLE_VCPU_STRIDE);
	/* User-accessible on PVM, so nothing else may share their pages. */
	for (uint64_t offset : {DECOUPLE_VCPU_OFF_ENTRY, DECOUPLE_VCPU_OFF_SLOT, DECOUPLE_VCPU_OFF_SCRATCH,
				DECOUPLE_VCPU_OFF_DOORBELL, DECOUPLE_VCPU_OFF_GDT, DECOUPLE_VCPU_OFF_STACK})
		EXPECT_EQ(offset % page, 0u) << std::hex << offset;
	EXPECT_EQ(DECOUPLE_VCPU_OFF_GDT / page, DECOUPLE_VCPU_OFF_TSS / page);
	EXPECT_LE(DECOUPLE_VCPU_OFF_TSS % page + tss_size, page) << "the CPU reads a TSS across no page";
	EXPECT_GE(DECOUPLE_SCRATCH_TOP, 8);
	EXPECT_LE(DECOUPLE_SCRATCH_TOP, page);
	EXPECT_EQ(DECOUPLE_SCRATCH_TOP % 8, 0);
	EXPECT_EQ(DECOUPLE_START_FRAME % 16, 0);
	EXPECT_LE(DECOUPLE_START_FRAME + frame_size, page - frame_size_error) << "a trap would write over the start frame";
}

TEST(LayoutTest, Exchange)
{
	EXPECT_EQ(DECOUPLE_VCPU_OFF_EXCHANGE % page, 0u);
	EXPECT_EQ(DECOUPLE_EXCHANGE_XSAVE % 64, 0) << "XSAVE faults";
	expect_disjoint({{"xsave", DECOUPLE_EXCHANGE_XSAVE, DECOUPLE_EXCHANGE_XSAVE_SIZE},
			 {"registers", DECOUPLE_EXCHANGE_REGS, sizeof(struct decouple_exchange_regs)}},
			2 * page);
	EXPECT_GE(DECOUPLE_EXCHANGE_XSAVE_SIZE, 4096) << "KVM_GET_XSAVE's image";
}

TEST(LayoutTest, SelectorsFitTheGdt)
{
	for (int selector :
	     {DECOUPLE_SEL_KCODE, DECOUPLE_SEL_KDATA, DECOUPLE_SEL_UDATA, DECOUPLE_SEL_UCODE, DECOUPLE_GDT_CPUNODE * 8})
		EXPECT_LE((selector & ~7) + 7, DECOUPLE_GDT_LIMIT) << selector;
	EXPECT_LE(DECOUPLE_SEL_TSS + 15, DECOUPLE_GDT_LIMIT) << "a TSS descriptor has 16 bytes";
	EXPECT_TRUE(DECOUPLE_SEL_TSS + 16 <= DECOUPLE_GDT_CPUNODE * 8 || DECOUPLE_SEL_TSS > DECOUPLE_GDT_CPUNODE * 8);
	EXPECT_EQ(DECOUPLE_SEL_KCODE & 7, 0);
	EXPECT_EQ(DECOUPLE_SEL_KDATA & 7, 0);
	EXPECT_EQ(DECOUPLE_SEL_KDATA, DECOUPLE_SEL_KCODE + 8) << "SYSCALL loads SS so";
}

TEST(LayoutTest, UserSelectorsAreLinuxs)
{
	uint16_t cs, ss;
	asm("mov %%cs, %0" : "=r"(cs));
	asm("mov %%ss, %0" : "=r"(ss));
	EXPECT_EQ(cs, DECOUPLE_SEL_UCODE);
	EXPECT_EQ(ss, DECOUPLE_SEL_UDATA);
	EXPECT_EQ(DECOUPLE_SEL_SYSRET + 16, DECOUPLE_SEL_UCODE);
	EXPECT_EQ(DECOUPLE_SEL_SYSRET + 8, DECOUPLE_SEL_UDATA);
	EXPECT_EQ(DECOUPLE_GDT_CPUNODE * 8 + 3, 0x7b);
}

TEST(SlotTest, FitsItsPageAndIsWholeLines)
{
	EXPECT_LE(sizeof(struct decouple_slot), page);
	EXPECT_EQ(sizeof(struct decouple_slot), 256u);
	EXPECT_EQ(offsetof(struct decouple_slot, version), 0u);
}

TEST(SlotTest, EachLineHasOneWriter)
{
	struct Field {
		const char *name;
		size_t offset, size;
		unsigned line;
	};
#define FIELD(name, line)                                                                                                      \
	{                                                                                                                      \
#name, offsetof(struct decouple_slot, name), sizeof(decouple_slot::name), line                                 \
	}
	const std::vector<Field> fields = {
		FIELD(version, 0),   FIELD(spin, 0),      FIELD(halts, 0),       FIELD(reserved0, 0),   FIELD(reserved1, 0),
		FIELD(req_seq, 1),   FIELD(nr, 1),        FIELD(arg, 1),         FIELD(vcpu_asleep, 1), FIELD(vcpu_halted, 1),
		FIELD(ret, 2),       FIELD(rep_seq, 2),   FIELD(home_asleep, 2), FIELD(reply, 2),       FIELD(reserved2, 2),
		FIELD(reserved3, 2), FIELD(saved_rax, 3), FIELD(saved_rsp, 3),   FIELD(reserved4, 3),
	};
#undef FIELD
	size_t end = 0;
	for (const Field &f : fields) {
		EXPECT_EQ(f.offset / 64, f.line) << f.name;
		EXPECT_EQ((f.offset + f.size - 1) / 64, f.line) << f.name;
		EXPECT_EQ(f.offset, end) << "a hole before " << f.name;
		EXPECT_EQ(f.offset % std::min<size_t>(f.size, 8), 0u) << f.name;
		end = f.offset + f.size;
	}
	EXPECT_EQ(end, sizeof(struct decouple_slot));
}

} // namespace
} // namespace decouple
