/* SPDX-License-Identifier: GPL-2.0-only */
/* Who wants to know when a vCPU thread of ours enters and leaves guest mode. */
#ifndef KMOD_DECOUPLE_GUEST_H
#define KMOD_DECOUPLE_GUEST_H

/* decouple_hush_*() and decouple_why_*() are called from now on; may sleep. -ENODEV: kvm is not loaded. Counted. */
int decouple_guest_watch(void);
/* Waits until the last call is over. */
void decouple_guest_unwatch(void);

int decouple_guest_init(void);
void decouple_guest_exit(void);

#endif
