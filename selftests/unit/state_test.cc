/* SPDX-License-Identifier: GPL-2.0-only */
/* Register state between signal frame and vCPU, both ways, and the XSAVE image with its software bytes. */
#include "vmm-lite/state.cc"
#include <cpuid.h>
#include <csignal>
#include <ucontext.h>
#include <gtest/gtest.h>
#include <vector>

namespace decouple
{
namespace
{

SigContext numbered_context()
{
	SigContext m = {};
	u64 *words = reinterpret_cast<u64 *>(&m);
	for (u64 i = 0; i < offsetof(SigContext, cs) / 8; i++)
		words[i] = 0x0101010101010100 + i;
	m.cs = 0x33, m.gs = 1, m.fs = 2, m.ss = 0x2b;
	m.err = 6, m.trapno = 14, m.oldmask = 15, m.cr2 = 16;
	m.fpstate = reinterpret_cast<u8 *>(17);
	m.rflags = 0x246;
	return m;
}

/* Only register names are common to the three; each is looked up by its own. */
#define FOR_EACH_REGISTER(X)                                                                                                   \
	X(rax)                                                                                                                 \
	X(rbx) X(rcx) X(rdx) X(rsi) X(rdi) X(rsp) X(rbp) X(r8) X(r9) X(r10) X(r11) X(r12) X(r13) X(r14) X(r15) X(rip) X(rflags)

TEST(RegistersTest, FrameToKvm)
{
	SigContext m = numbered_context();
	struct kvm_regs r = regs_from_context(m);
#define SAME(name) EXPECT_EQ(r.name, m.name) << #name;
	FOR_EACH_REGISTER(SAME)
#undef SAME
}

TEST(RegistersTest, FrameToKvmSetsTheFixedFlag)
{
	SigContext m = numbered_context();
	m.rflags = 0;
	EXPECT_EQ(regs_from_context(m).rflags, 2u) << "KVM refuses to enter with bit 1 clear";
	m.rflags = 0x200a46;
	EXPECT_EQ(regs_from_context(m).rflags, 0x200a46u);
}

TEST(RegistersTest, KvmToFrameKeepsTheRest)
{
	SigContext m = numbered_context(), old = m;
	struct kvm_regs r;
	u64 *words = reinterpret_cast<u64 *>(&r);
	for (u64 i = 0; i < sizeof(r) / 8; i++)
		words[i] = 0x7700000000000000 + i;
	regs_to_context(m, r);
#define SAME(name) EXPECT_EQ(r.name, m.name) << #name;
	FOR_EACH_REGISTER(SAME)
#undef SAME
	EXPECT_EQ(memcmp(&m.cs, &old.cs, sizeof(m) - offsetof(SigContext, cs)), 0);
}

TEST(RegistersTest, ThereAndBack)
{
	SigContext m = numbered_context(), back = {};
	regs_to_context(back, regs_from_context(m));
	EXPECT_EQ(memcmp(&m, &back, offsetof(SigContext, cs)), 0);
}

TEST(FrameTest, LayoutIsTheKernels)
{
	/* glibc's gregset_t has the kernel's order, by other names. */
	constexpr size_t base = offsetof(ucontext_t, uc_mcontext.gregs);
	EXPECT_EQ(offsetof(UContext, mc), base);
	EXPECT_EQ(offsetof(SigContext, r8), REG_R8 * 8u);
	EXPECT_EQ(offsetof(SigContext, rdi), REG_RDI * 8u);
	EXPECT_EQ(offsetof(SigContext, rbx), REG_RBX * 8u);
	EXPECT_EQ(offsetof(SigContext, rax), REG_RAX * 8u);
	EXPECT_EQ(offsetof(SigContext, rsp), REG_RSP * 8u);
	EXPECT_EQ(offsetof(SigContext, rip), REG_RIP * 8u);
	EXPECT_EQ(offsetof(SigContext, rflags), REG_EFL * 8u);
	EXPECT_EQ(offsetof(SigContext, cs), REG_CSGSFS * 8u);
	EXPECT_EQ(offsetof(SigContext, err), REG_ERR * 8u);
	EXPECT_EQ(offsetof(SigContext, trapno), REG_TRAPNO * 8u);
	EXPECT_EQ(offsetof(SigContext, cr2), REG_CR2 * 8u);
	EXPECT_EQ(offsetof(UContext, mc) + offsetof(SigContext, fpstate), offsetof(ucontext_t, uc_mcontext.fpregs));
	EXPECT_EQ(offsetof(UContext, mask), offsetof(ucontext_t, uc_sigmask));
	EXPECT_EQ(sizeof(FpSoftware), sizeof(struct _fpx_sw_bytes));
	EXPECT_EQ(offsetof(FpSoftware, features), offsetof(struct _fpx_sw_bytes, xstate_bv));
	EXPECT_EQ(offsetof(FpSoftware, xstate_size), offsetof(struct _fpx_sw_bytes, xstate_size));
}

/* What a handler saw of the software bytes of its own frame. */
FpSoftware seen;
u32 seen_second_magic;

void look_at_frame(int, siginfo_t *, void *context)
{
	const u8 *fp = static_cast<UContext *>(context)->mc.fpstate;
	memcpy(&seen, fp + fp_sw_offset, sizeof(seen));
	memcpy(&seen_second_magic, fp + seen.extended_size - 4, 4);
}

TEST(FrameTest, SoftwareBytesAreWhereTheKernelPutsThem)
{
	unsigned a, b, c, d;
	ASSERT_TRUE(__get_cpuid(1, &a, &b, &c, &d));
	if (!(c & bit_OSXSAVE))
		GTEST_SKIP() << "the CPU or the kernel has no XSAVE, so signal frames have no software bytes";
	struct sigaction action = {}, old;
	action.sa_sigaction = look_at_frame;
	action.sa_flags = SA_SIGINFO;
	ASSERT_EQ(::sigaction(SIGUSR1, &action, &old), 0);
	raise(SIGUSR1);
	::sigaction(SIGUSR1, &old, nullptr);
	EXPECT_EQ(seen.magic1, 0x46505853u /* FP_XSTATE_MAGIC1 */);
	EXPECT_EQ(seen_second_magic, 0x46505845u /* FP_XSTATE_MAGIC2 */) << "at the last four bytes of the image";
	EXPECT_GE(seen.extended_size, seen.xstate_size + 4);
	EXPECT_GE(seen.xstate_size, 576u);
	EXPECT_EQ(seen.features & 3, 3u);
}

constexpr u64 xstate_bv_at = 512, header_end = 576;
/* AVX, the three of AVX-512 and PKRU where a CPU with all of them has them. MPX (3, 4) lies between. */
constexpr u64 all_components = 0x2ff;

XsaveLayout layout(u64 components)
{
	XsaveLayout l = {};
	l.components = components;
	auto put = [&](u32 i, u32 offset, u32 size) { l.offset[i] = offset, l.size[i] = size; };
	put(2, 576, 256), put(3, 960, 64), put(4, 1024, 64), put(5, 1088, 64), put(6, 1152, 512), put(7, 1664, 1024),
		put(9, 2688, 8);
	return l;
}

constexpr u32 full_size = 2696, kvm_size = 4096, magic_size = 4;

/* A buffer whose bytes say where they come from, with room behind it that nobody may touch. XSTATE_BV is `present`. */
std::vector<u8> image(u8 seed, u32 size, u64 present)
{
	std::vector<u8> v(size + 64, 0xee);
	for (u32 i = 0; i < size; i++)
		v[i] = static_cast<u8>(seed + i % 61);
	if (size >= xstate_bv_at + 8)
		memcpy(&v[xstate_bv_at], &present, 8);
	return v;
}

u64 xstate_bv_of(const std::vector<u8> &v)
{
	u64 present;
	memcpy(&present, &v[xstate_bv_at], 8);
	return present;
}

/* Is byte `i` one of a component that is to be copied between images of which both have `common` bytes? */
bool is_copied(const XsaveLayout &l, u32 i, u32 common)
{
	for (u32 c = 2; c < 64; c++)
		if ((l.components >> c & 1) && i >= l.offset[c] && i < l.offset[c] + l.size[c])
			return l.offset[c] + l.size[c] <= common;
	return false;
}

struct Case {
	u32 frame_size, size; /* the frame's with its second magic; KVM's image */
	u64 components;
};
constexpr Case cases[] = {
	{full_size + magic_size, kvm_size, all_components},
	{full_size + magic_size, kvm_size, 0xe7}, /* the vCPU has no PKRU */
	{full_size + magic_size, kvm_size, 7}, /* nor AVX-512 */
	{full_size + magic_size, kvm_size, 3}, /* nor AVX */
	{full_size + magic_size, full_size, all_components},
	{full_size + magic_size, full_size - 1, all_components}, /* PKRU does not fit into KVM's */
	{full_size + magic_size - 1, kvm_size, all_components}, /* nor into the frame's: the magic is there */
	{832 + magic_size, kvm_size, 7},
	{832 + magic_size - 1, kvm_size, 7},
	{576 + magic_size, kvm_size, 3},
};

class XsaveTest : public ::testing::TestWithParam<Case>
{
};

TEST_P(XsaveTest, ToFrame)
{
	auto [frame_size, size, components] = GetParam();
	XsaveLayout l = layout(components);
	std::vector<u8> frame = image(1, frame_size, 0x21b), old = frame, xsave = image(100, size, 0x0e6), source = xsave;
	xsave_to_frame(frame.data(), frame_size, xsave.data(), size, l);
	u32 common = std::min(frame_size - magic_size, size);
	for (u32 i = 0; i < frame.size(); i++) {
		if (i >= xstate_bv_at && i < xstate_bv_at + 8)
			continue;
		bool copied = i < fp_sw_offset || is_copied(l, i, common);
		ASSERT_EQ(frame[i], copied ? source[i] : old[i]) << "byte " << i;
	}
	EXPECT_EQ(xstate_bv_of(frame), (0x0e6 & components) | (0x21b & ~components))
		<< "what the vCPU lacks keeps what the thread had";
	EXPECT_EQ(xsave, source);
}

TEST_P(XsaveTest, FromFrame)
{
	auto [frame_size, size, components] = GetParam();
	XsaveLayout l = layout(components);
	std::vector<u8> frame = image(1, frame_size, 0x27b), source = frame, xsave = image(100, size, 0x0e6), old = xsave;
	xsave_from_frame(xsave.data(), size, frame.data(), frame_size, l);
	u32 common = std::min(frame_size - magic_size, size);
	for (u32 i = 0; i < xsave.size(); i++) {
		if (i >= xstate_bv_at && i < xstate_bv_at + 8)
			continue;
		bool copied = i < fp_sw_offset || is_copied(l, i, common), zero = i >= fp_sw_offset && i < header_end;
		ASSERT_EQ(xsave[i], zero ? 0 : copied ? source[i] : old[i]) << "byte " << i;
	}
	EXPECT_EQ(xstate_bv_of(xsave), 0x27b & components) << "KVM refuses components that the vCPU lacks";
	EXPECT_EQ(frame, source);
}

INSTANTIATE_TEST_SUITE_P(Sizes, XsaveTest, ::testing::ValuesIn(cases));

TEST(XsaveImageTest, GoesThereAndBack)
{
	XsaveLayout l = layout(all_components);
	std::vector<u8> frame = image(1, full_size + magic_size, 0), xsave = image(100, kvm_size, 0xe7), back = xsave;
	xsave_to_frame(frame.data(), full_size + magic_size, xsave.data(), kvm_size, l);
	for (u32 c : {2, 5, 6, 7, 9})
		std::fill_n(back.begin() + l.offset[c], l.size[c], 0);
	std::fill_n(back.begin(), fp_sw_offset, 0);
	xsave_from_frame(back.data(), kvm_size, frame.data(), full_size + magic_size, l);
	std::fill(xsave.begin() + fp_sw_offset, xsave.begin() + header_end, 0);
	xsave[xstate_bv_at] = 0xe7;
	EXPECT_EQ(back, xsave);
}

TEST(XsaveImageTest, AFrameOfTheLegacyRegionOnly)
{
	std::vector<u8> frame = image(1, 512, 0), old_frame = frame, xsave = image(100, kvm_size, 3), old = xsave;
	xsave_from_frame(xsave.data(), kvm_size, frame.data(), 512, layout(7));
	EXPECT_TRUE(std::equal(frame.begin(), frame.begin() + fp_sw_offset, xsave.begin()));
	EXPECT_TRUE(std::equal(old.begin() + header_end, old.end(), xsave.begin() + header_end))
		<< "nothing there to be copied";
	xsave_to_frame(frame.data(), 512, old.data(), kvm_size, layout(7));
	EXPECT_TRUE(std::equal(old.begin(), old.begin() + fp_sw_offset, frame.begin()));
	EXPECT_TRUE(std::equal(old_frame.begin() + fp_sw_offset, old_frame.end(), frame.begin() + fp_sw_offset))
		<< "written too far";
}

} // namespace
} // namespace decouple
