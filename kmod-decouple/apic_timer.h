/* SPDX-License-Identifier: GPL-2.0-only */
/* The local APIC's timer, in which the kernel arms each processor's next tick or timer: putting off what is armed, and putting it back. */
#ifndef KMOD_DECOUPLE_APIC_TIMER_H
#define KMOD_DECOUPLE_APIC_TIMER_H

#include <linux/types.h>

/* One processor's; used by that processor alone, interrupts off. */
struct decouple_apic_timer {
	bool x2apic, deadline; /* how its registers are reached; armed by a TSC value, not by a count */
	u64 unit; /* counts, or TSC cycles, in a millisecond */
	u64 hold; /* how far off it was put: counts, or TSC cycles */
	u64 was, ours; /* what was armed, what is armed instead; counts left, or TSC values */
};

/* Looks how the kernel uses it here. A text: why it can't be put off; NULL: it can. May take a few ms. */
const char *decouple_apic_timer_probe(struct decouple_apic_timer *t);

/* False: nothing is armed, or it is farther off than that already, and nothing was done. */
bool decouple_apic_timer_put_off(struct decouple_apic_timer *t, unsigned int milliseconds);
/*
 * Behind put_off(): what was armed is armed again, less what has passed; at once, if all of it has. Unless the kernel has armed something
 * else meanwhile, or ours has fired and its interrupt has come or is about to: then it will. An interrupt too many harms nobody: the
 * kernel finds that nothing is due, and arms anew.
 */
void decouple_apic_timer_put_back(struct decouple_apic_timer *t);
/* When what was armed was due: TSC cycles from put_off() on. */
u64 decouple_apic_timer_due(const struct decouple_apic_timer *t);

#endif
