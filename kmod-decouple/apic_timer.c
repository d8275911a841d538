// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's clock event device of the local APIC (arch/x86/kernel/apic/apic.c) writes one register to arm it, either a count or a TSC
 * value, and keeps no copy that it compares later; its interrupt's handler looks at the time and not at what it had armed. So this may be
 * changed behind its back, as a late interrupt would. A timer that the kernel shuts down reads as zero in both ways.
 */
#include <linux/minmax.h>
#include <linux/time64.h>
#include <asm/apic.h>
#include <asm/irq_vectors.h>
#include <asm/msr.h>
#include <asm/tsc.h>

#include "apic_timer.h"

#define X2APIC_REGISTER(offset) (APIC_BASE_MSR + ((offset) >> 4))

/* The kernel's own accessors are not exported, and their tracepoints are not for where we are. */
static u32 read_register(const struct decouple_apic_timer *t, u32 offset)
{
	return t->x2apic ? (u32)__rdmsr(X2APIC_REGISTER(offset)) : native_apic_mem_read(offset);
}

static void write_register(const struct decouple_apic_timer *t, u32 offset, u32 value)
{
	if (t->x2apic)
		__wrmsr(X2APIC_REGISTER(offset), value, 0);
	else
		native_apic_mem_write(offset, value);
}

static u64 read_deadline(void)
{
	return __rdmsr(MSR_IA32_TSC_DEADLINE);
}

static void write_deadline(u64 tsc)
{
	__wrmsr(MSR_IA32_TSC_DEADLINE, (u32)tsc, (u32)(tsc >> 32));
}

/* Counts in a millisecond; 0: it does not run. A hypervisor may take the processor away between two reads: the best of several tries. */
static u32 measure(const struct decouple_apic_timer *t)
{
	u64 tsc[4], best = U64_MAX, rate = 0;
	unsigned int try;
	u32 from, to;

	for (try = 0; try < 8; try++) {
		tsc[0] = rdtsc_ordered();
		from = read_register(t, APIC_TMCCT);
		tsc[1] = rdtsc_ordered();
		while (rdtsc_ordered() - tsc[1] < tsc_khz / 5)
			cpu_relax();
		tsc[2] = rdtsc_ordered();
		to = read_register(t, APIC_TMCCT);
		tsc[3] = rdtsc_ordered();
		if (!to || to >= from || tsc[1] - tsc[0] + tsc[3] - tsc[2] >= best)
			continue;
		best = tsc[1] - tsc[0] + tsc[3] - tsc[2];
		rate = div64_u64((u64)(from - to) * tsc_khz, (tsc[2] + tsc[3] - tsc[0] - tsc[1]) / 2);
	}
	return (u32)min_t(u64, rate, U32_MAX);
}

const char *decouple_apic_timer_probe(struct decouple_apic_timer *t)
{
	u64 base = __rdmsr(MSR_IA32_APICBASE);
	u32 lvt;

	if (!(base & MSR_IA32_APICBASE_ENABLE))
		return "the local APIC is off";
	t->x2apic = base & X2APIC_ENABLE;
	lvt = read_register(t, APIC_LVTT);
	if (lvt & APIC_LVT_MASKED || (lvt & APIC_VECTOR_MASK) != LOCAL_TIMER_VECTOR)
		return "the tick is not the local APIC's timer";
	if (lvt & APIC_LVT_TIMER_PERIODIC)
		return "the tick is periodic (no high resolution timers)";
	t->deadline = lvt & APIC_LVT_TIMER_TSCDEADLINE;
	t->unit = t->deadline ? tsc_khz : measure(t);
	return t->unit ? NULL : "the local APIC's timer could not be measured";
}

bool decouple_apic_timer_put_off(struct decouple_apic_timer *t, unsigned int milliseconds)
{
	t->hold = milliseconds * t->unit;
	if (t->deadline) {
		t->was = read_deadline();
		t->ours = rdtsc() + t->hold;
		if (t->was <= t->ours - t->hold || t->was >= t->ours)
			return false;
		write_deadline(t->ours);
	} else {
		t->was = read_register(t, APIC_TMCCT);
		t->ours = min_t(u64, t->hold, U32_MAX);
		if (!t->was || t->was >= t->ours)
			return false;
		write_register(t, APIC_TMICT, (u32)t->ours);
	}
	return true;
}

void decouple_apic_timer_put_back(struct decouple_apic_timer *t)
{
	u64 left, passed;

	if (t->deadline) {
		if (read_deadline() == t->ours)
			write_deadline(t->was);
		return;
	}
	if (read_register(t, APIC_TMICT) != t->ours)
		return;
	left = read_register(t, APIC_TMCCT);
	if (!left)
		return;
	passed = t->ours - left;
	write_register(t, APIC_TMICT, passed < t->was ? (u32)(t->was - passed) : 1);
}

u64 decouple_apic_timer_due(const struct decouple_apic_timer *t)
{
	if (t->deadline)
		return t->was + t->hold - t->ours;
	return div64_u64(t->was * tsc_khz, t->unit);
}
