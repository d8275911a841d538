// SPDX-License-Identifier: GPL-2.0-only
/* CPUID, XGETBV, HWCAP: a decoupled thread sees the processor that it sees natively, but for numbers of the core it is on. */
#include "testlib.h"

#include <cpuid.h>
#include <sys/auxv.h>

static void show(unsigned leaf, unsigned sub)
{
	unsigned a, b, c, d;

	__cpuid_count(leaf, sub, a, b, c, d);
	switch (leaf) {
	case 1:
		b &= 0x00ffffff; /* APIC id */
		break;
	case 0xb:
	case 0x1f:
	case 0x80000026:
		d = 0; /* x2APIC id */
		break;
	case 0x8000001e:
		a = b = c = 0; /* APIC, core and node id */
		break;
	}
	printf("%08x.%u: %08x %08x %08x %08x\n", leaf, sub, a, b, c, d);
}

int main(void)
{
	unsigned a, b, c, d, max, max_extended;

	test_start();
	__cpuid(0, max, b, c, d);
	__cpuid(0x80000000, max_extended, b, c, d);
	for (unsigned leaf = 0; leaf <= max; leaf++) {
		/* Subleaves where the leaf has them; 0xd depends on XCR0 only. */
		unsigned subs = leaf == 4 || leaf == 0xb || leaf == 0x1f || leaf == 7 ? 4 : leaf == 0xd ? 20 : 1;
		for (unsigned sub = 0; sub < subs; sub++)
			show(leaf, sub);
	}
	for (unsigned leaf = 0x80000000; leaf <= max_extended; leaf++)
		for (unsigned sub = 0; sub < (leaf == 0x8000001d || leaf == 0x80000026 ? 4u : 1u); sub++)
			show(leaf, sub);
	__cpuid(1, a, b, c, d);
	if (c & bit_OSXSAVE) {
		__asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
		printf("XCR0: %08x%08x\n", d, a);
	}
	if (__get_cpuid_count(0xd, 1, &a, &b, &c, &d) && (a & 4)) {
		__asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(1));
		printf("XINUSE readable: %d\n", d == 0);
	}
	printf("HWCAP %lx, HWCAP2 %lx, frame size %lu\n", getauxval(AT_HWCAP), getauxval(AT_HWCAP2), getauxval(AT_MINSIGSTKSZ));
	return test_done();
}
