/* SPDX-License-Identifier: GPL-2.0-only */
/* Who wants to know what happens to a vCPU thread of ours in KVM. */
#ifndef KMOD_DECOUPLE_GUEST_H
#define KMOD_DECOUPLE_GUEST_H

enum decouple_guest_watched {
	DECOUPLE_GUEST_STAYS, /* decouple_hush_*() and decouple_why_*() are called where it enters and leaves guest mode */
	DECOUPLE_GUEST_FETCHES, /* KVM_RUN returns where a page can't be had, and frame->unfetched is set */
	DECOUPLE_GUEST_WATCHED, /* how many of these there are */
};

/* From now on; may sleep. -ENODEV: kvm is not loaded. Counted. */
int decouple_guest_watch(enum decouple_guest_watched what);
/* Waits until the last call is over. */
void decouple_guest_unwatch(enum decouple_guest_watched what);

int decouple_guest_init(void);
void decouple_guest_exit(void);

#endif
