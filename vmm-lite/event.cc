/* SPDX-License-Identifier: GPL-2.0-only */
/* Which calls wait for eventfds, and what is left of them; see event.h. */
#include "event.h"
#include "manager.h"
#include "reflector_module.h"
#include "decouple/gate.h"

namespace decouple
{

struct PollFd {
	s32 fd;
	u16 events, revents;
};

constexpr u64 ns_per_ms = 1000000;

/*
 * What to wait for; false: it is no such call. Whether the descriptors are eventfds only the kernel knows. So that other calls don't ask for
 * nothing: a read of 8 bytes is what an eventfd takes, and a descriptor that was none is not asked about again until another one was.
 */
static bool describe(const Session *s, const u64 call[7], decouple_event_wait *w)
{
	*w = {};
	w->seq = s->slot->req_seq;
	switch (call[0]) {
	case __NR_read:
		if (call[3] != sizeof(u64))
			return false;
		w->kind = DECOUPLE_EVENT_READ;
		w->count = 1;
		w->fd = static_cast<s32>(call[1]);
		w->buffer = call[2];
		break;
	case __NR_ppoll: /* with a timeout, what is left of it is written back */
	case __NR_poll: {
		s32 timeout = call[0] == __NR_poll ? static_cast<s32>(call[3]) : call[3] ? 0 : -1;
		PollFd fd;
		if (!timeout || !call[2] || call[2] > DECOUPLE_EVENT_SOURCES || copy_from_app(&fd, call[1], sizeof(fd)))
			return false;
		w->kind = DECOUPLE_EVENT_POLL;
		w->fd = fd.fd;
		w->count = static_cast<u32>(call[2]);
		w->buffer = call[1];
		w->ns = timeout > 0 ? static_cast<u64>(timeout) * ns_per_ms : 0;
		break;
	}
	default:
		return false;
	}
	return w->fd != s->no_event;
}

/* What is left of poll's timeout. */
static void shorten(u64 call[7], u64 ns)
{
	u64 ms = ns / ns_per_ms, timeout = call[3];
	call[3] = ms < timeout ? timeout - ms : 0;
}

EventEnd event_wait(Session *s, u64 call[7], CallEnd *end)
{
	decouple_event_wait w;
	if (!s->slot->halts || !describe(s, call, &w))
		return EventEnd::none;
	u64 began = rdtsc();
	long result;
	bool ended = module_reflector::event(s, &w, s->mask, &result, end);
	if (load(s->slot->rep_seq) == w.seq) {
		count(s->info.events);
		return EventEnd::replied;
	}
	if (ended && (result == -EINVAL || result == -EBADF))
		s->no_event = w.fd;
	if (w.ns)
		shorten(call, (rdtsc() - began) * 1000 / manager_tsc_per_us());
	if (ended)
		return EventEnd::none;
	/* A poll fails behind any handler. Not begun: the gate call, but not the application's. */
	if (w.kind == DECOUPLE_EVENT_POLL)
		*end = CallEnd::again_unhandled;
	return EventEnd::interrupted;
}

} // namespace decouple
