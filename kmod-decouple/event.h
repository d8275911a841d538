/* SPDX-License-Identifier: GPL-2.0-only */
/* Waiting for eventfds such that who signals one replies to the decoupled thread; see gate.h: DECOUPLE_GATE_EVENT. */
#ifndef KMOD_DECOUPLE_EVENT_H
#define KMOD_DECOUPLE_EVENT_H

#include <linux/types.h>

struct decouple_session;

/* Both may sleep; the results are those of the gate calls. */
long decouple_event_set_up(struct decouple_session *s, u64 request); /* user address of struct decouple_event_set_up */
long decouple_event_wait(struct decouple_session *s, u64 request); /* of struct decouple_event_wait; on the home thread */
long decouple_event_wake(struct decouple_session *s);
void decouple_event_drop(struct decouple_session *s); /* nobody else has the session */

#endif
