/* SPDX-License-Identifier: GPL-2.0-only */
/* The session table. Entries are added by the manager only; home and vCPU threads look up. */
#include "session.h"
#include "calls.h"

extern "C" {
decouple::Control control;
decouple::u32 session_limit;
}

namespace decouple
{

Session *session_at(u32 index)
{
	return reinterpret_cast<Session *>(load(control.sessions[index]));
}

Session *session_of(s32 tid)
{
	for (u32 i = 0; i < load(session_limit); i++) {
		Session *s = session_at(i);
		if (s && s->info.tid == tid && load(s->mode) != static_cast<u32>(Mode::left))
			return s;
	}
	return nullptr;
}

constexpr u64 session_size = (sizeof(Session) + page_size - 1) & ~(page_size - 1);
constexpr u64 session_bytes = session_size + 2 * session_stack_size;

/* The session has ended; its vCPU thread may be about to, and is waited for. */
static bool over(Session *s)
{
	SessionState state = load(s->info.state);
	if (state != SessionState::recoupled && state != SessionState::failed)
		return false;
	join_thread(&s->vcpu_alive);
	return true;
}

static Session *map_session()
{
	long p = map_memory(session_bytes, map_private);
	if (is_error(p))
		return nullptr;
	sys(__NR_madvise, static_cast<u64>(p), session_bytes, madv_dontdump);
	return reinterpret_cast<Session *>(p);
}

/*
 * Memory for the next session of a thread whose last one is over. It may be leaving that one's stack still; but once it was captured there,
 * it has left the one before. None if a child of it is still there.
 */
static Session *take_memory(Session *last)
{
	Session *s = last, *spare = last->spare;
	if (last->first_capture_done) {
		s = spare ? spare : map_session();
		spare = last;
	}
	if (s && !children_left(s))
		return nullptr;
	if (s) {
		memset(s, 0, sizeof(*s));
		s->spare = spare;
	}
	return s;
}

long session_create(s32 tid, Session **out)
{
	u32 index = max_sessions;
	for (u32 i = max_sessions; i-- > 0;) {
		Session *s = session_at(i);
		if (s && s->info.tid == tid) {
			if (!over(s))
				return -EALREADY;
			index = i;
			break;
		}
		if (!s)
			index = i;
	}
	if (index == max_sessions)
		return -ENOSPC;
	Session *last = session_at(index);
	Session *s = last ? take_memory(last) : map_session();
	if (!s)
		return -ENOMEM;
	s->mode = static_cast<u32>(Mode::fresh);
	s->info.tid = tid;
	s->info.index = index;
	s->info.kvm_stats = addr(&s->kvm_stats);
	s->gate_stack = addr(s) + session_size + session_stack_size;
	s->vcpu_stack = s->gate_stack + session_stack_size;
	store(control.sessions[index], addr(s));
	if (index >= session_limit)
		store(session_limit, index + 1);
	*out = s;
	return index;
}

void session_free(Session *s)
{
	store(control.sessions[s->info.index], u64{0});
	if (s->spare)
		sys(__NR_munmap, addr(s->spare), session_bytes);
	sys(__NR_munmap, addr(s), session_bytes);
}

} // namespace decouple
