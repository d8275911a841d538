/* SPDX-License-Identifier: GPL-2.0-only */
/* Who keeps the time, and serves timers of idle cores, while hushed cores have no tick. */
#ifndef KMOD_DECOUPLE_TIMEKEEPER_H
#define KMOD_DECOUPLE_TIMEKEEPER_H

#include <linux/cpumask.h>

/* Keeps the ticks of some of the other cores going, one of them at least. -EBUSY: there is no other core. Empty: none any more. May sleep. */
int decouple_timekeepers_set(const struct cpumask *hushed);
/* By a thread bound to a core that is hushed as far as the above is concerned: hands over what that core does for others. May sleep. */
bool decouple_timekeeper_resign(void);

#endif
