/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See place.h. With the module it is one gate call, and the module keeps the thread there. Else Linux lets a thread run only where its cpuset
 * does; the controller, if it waits, brings the thread into the cpuset of a reserved core (PlaceRequest in resident.h).
 */
#include "place.h"
#include "manager.h"
#include "reflector.h"

namespace decouple
{

static long bind_to_core(const Session *s)
{
	u64 core[16] = {};
	core[s->info.core / 64] = 1ull << (s->info.core % 64);
	return sys(__NR_sched_setaffinity, 0, sizeof(core), addr(core));
}

static u32 core_aux()
{
	u32 lo, hi, aux;
	asm volatile("rdtscp" : "=a"(lo), "=d"(hi), "=c"(aux));
	return aux;
}

/* Only the manager starts vCPU threads, and waits for each: there is one request at a time. */
static long ask_controller(const Session *s)
{
	constexpr u32 tries = 100000; /* 10 s, as the controller waits for a capture */
	TimeSpec moment = {0, 100000};
	PlaceRequest &r = control.place;
	if (!manager_is_awaited())
		return -EPERM;
	r.tid = s->info.vcpu_tid;
	r.core = s->info.core;
	u32 seq = load(r.seq) + 1;
	store(r.seq, seq);
	for (u32 i = 0; i < tries && load(r.done_seq) != seq; i++)
		sys(__NR_nanosleep, addr(&moment), 0);
	return load(r.done_seq) == seq ? r.result : -ETIMEDOUT; /* it died, or the request is not of its version */
}

long place_vcpu(Session *s)
{
	long e;
	if (!reflector_core(s, &e)) {
		e = bind_to_core(s);
		if (e == -EINVAL && !(e = ask_controller(s)))
			e = bind_to_core(s);
	}
	s->core_aux = core_aux();
	return e;
}

bool place_keep(Session *s)
{
	if (core_aux() == s->core_aux)
		return true;
	long e;
	if (!reflector_core(s, &e))
		e = bind_to_core(s);
	if (!e) {
		s->core_aux = core_aux();
		return true;
	}
	store(s->core_lost, 1u);
	store(s->want, static_cast<u32>(Want::recouple));
	return false;
}

} // namespace decouple
