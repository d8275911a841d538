/* SPDX-License-Identifier: GPL-2.0-only */
/* Hush: the tick of a dedicated core is thinned while a vCPU thread of ours is in guest mode there. */
#ifndef KMOD_DECOUPLE_HUSH_H
#define KMOD_DECOUPLE_HUSH_H

/* By a vCPU thread of ours, interrupts off, as the last thing before guest mode. */
void decouple_hush_enter(void);
/* Behind guest mode, by any VM's thread; see guest.c for where that is. */
void decouple_hush_leave(void);

#endif
