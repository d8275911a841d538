/* SPDX-License-Identifier: GPL-2.0-only */
/* Serving reflected calls: the common classes. Calls that are treated one by one are in special_calls.cc. */
#include "calls.h"
#include "call_class.h"
#include "cputime.h"
#include "event.h"
#include "gate.h"
#include "manager.h"
#include "reflector.h"
#include "vm.h"

namespace decouple
{

long call_execute(const u64 call[7])
{
	return sys(static_cast<long>(call[0]), call[1], call[2], call[3], call[4], call[5], call[6]);
}

void call_finish(Session *s, long ret)
{
	if (!signals_pending(s)) {
		gate_reply(s, ret);
		return;
	}
	gate_hold(s);
	gate_complete(s, ret);
	signals_deliver(s);
}

void call_replace(Session *s, long ret)
{
	gate_complete(s, ret);
	gate_load(s);
}

/* The home thread came out of a call although no application signal is pending. */
static void interrupted_for_resident(Session *s, CallEnd end)
{
	if (load(s->want) != static_cast<u32>(Want::recouple))
		return;
	gate_pause(s);
	if (end == CallEnd::restart_block)
		s->guest.regs.rax = __NR_restart_syscall;
	gate_leave(s, manager_recouple_reason(), 0);
}

static void serve_interruptible(Session *s, u64 call[7])
{
	if (signals_pending(s)) {
		/* Before the call, as natively: it is issued again behind the handler. */
		gate_hold(s);
		signals_deliver(s);
		return;
	}
	for (;;) {
		long ret;
		CallEnd end;
		EventEnd event = event_wait(s, call, &end);
		if (event == EventEnd::replied)
			return;
		if (event == EventEnd::none && reflector_call(s, call, s->mask, &ret, &end)) {
			if (ret < 0 || call_reaps(call[0]))
				call_finish(s, ret); /* SIGPIPE, SIGXFSZ, SIGCHLD: before the call returns */
			else
				gate_reply(s, ret);
			return;
		}
		u64 pending = signals_pending(s);
		if (!pending) {
			interrupted_for_resident(s, end);
			if (end == CallEnd::restart_block)
				call[0] = __NR_restart_syscall;
			continue;
		}
		gate_hold(s);
		if (!signals_restart(pending, end))
			gate_complete(s, -EINTR);
		else if (end == CallEnd::restart_block)
			s->guest.regs.rax = __NR_restart_syscall;
		signals_deliver(s);
		return;
	}
}

/* The reserved signal is ours: the application waits for the others. */
static void serve_sigwait(Session *s, u64 call[7])
{
	u64 set;
	if (call[4] == sizeof(set) && !copy_from_app(&set, call[1], sizeof(set)) && (set & reserved_signals())) {
		set &= ~reserved_signals();
		call[1] = addr(&set);
	}
	serve_interruptible(s, call);
}

/* Address of the temporary mask of such a call, and where to put ours; 0: it has none. */
static u64 temporary_mask_of(const u64 call[7], u32 *argument)
{
	switch (call[0]) {
	case __NR_rt_sigsuspend:
		return call[*argument = 1];
	case __NR_ppoll:
		return call[*argument = 4];
	case __NR_epoll_pwait:
	case __NR_epoll_pwait2:
		return call[*argument = 5];
	default: /* pselect6, io_pgetevents: a pair of pointer and size */
		*argument = 6;
		u64 pair[2];
		if (!call[6] || copy_from_app(pair, call[6], sizeof(pair)) || pair[1] != 8)
			return 0;
		return pair[0];
	}
}

static void serve_temporary_mask(Session *s, u64 call[7])
{
	u32 argument;
	u64 from = temporary_mask_of(call, &argument), temporary;
	if (!from || copy_from_app(&temporary, from, sizeof(temporary))) {
		serve_interruptible(s, call);
		return;
	}
	/* The kernel's own swap of masks would let signals through to the gate's registers: only the reserved one may pass. */
	u64 ours = ~reserved_signals(), pair[2] = {addr(&ours), 8};
	call[argument] = argument == 6 ? addr(pair) : addr(&ours);
	u64 saved = s->mask;
	for (;;) {
		s->mask = temporary & ~reserved_signals();
		/* Ignored ones count too: Linux drops them only when it gets to look. */
		bool waiting = (sigpending() & ~s->mask & ~unblockable & ~reserved_signals()) != 0;
		long ret;
		bool done = reflector_call_masked(s, call, s->mask, waiting, &ret);
		u64 pending = done ? 0 : signals_pending(s);
		u64 mask = s->mask;
		s->mask = saved;
		if (done) {
			gate_reply(s, ret);
			return;
		}
		if (!pending) {
			interrupted_for_resident(s, CallEnd::again);
			continue;
		}
		gate_hold(s);
		signals_deliver_temporary(s, mask | (temporary & reserved_signals()));
		return;
	}
}

/* The file is a device's: a special one, one of sysfs, or one without type (VFIO's). Asked by the home thread, which has the application's files. */
static bool is_device(u64 fd)
{
	constexpr u32 type = 0170000, regular = 0100000;
	constexpr long sysfs = 0x62656572;
	u64 stat[18], statfs[15]; /* struct stat, struct statfs */
	static_assert(sizeof(stat) == 144 && sizeof(statfs) == 120);
	if (sys(__NR_fstat, fd, addr(stat)) < 0)
		return false;
	const u32 mode = static_cast<u32>(stat[3]);
	if ((mode & type) != regular)
		return true;
	return sys(__NR_fstatfs, fd, addr(statfs)) == 0 && static_cast<long>(statfs[0]) == sysfs;
}

/* `mattered`: what mremap moved was executable or a device's. */
static bool may_map_device(const u64 call[7], bool mattered)
{
	constexpr u64 sharing = 3;
	if (call[0] == __NR_mmap)
		return (call[4] & sharing) != map_private && !(call[4] & map_anonymous) && is_device(call[5]);
	return call[0] == __NR_mremap && mattered;
}

static void serve_protection(Session *s, const u64 call[7])
{
	constexpr u64 map_fixed_flag = 0x10, mremap_fixed = 2;
	u64 start = call[1], end = call[1] + call[2];
	switch (call[0]) {
	case __NR_mmap:
		if (!(call[4] & map_fixed_flag))
			start = end = 0; /* lands where nothing was mapped */
		break;
	case __NR_mremap:
		if (call[4] & mremap_fixed) {
			start = call[5] < start ? call[5] : start;
			end = call[5] + call[3] > end ? call[5] + call[3] : end;
		}
		break;
	case __NR_shmat:
	case __NR_shmdt:
		start = end = 0;
		break;
	}
	bool matters = end > start && vm_protection_change_begin(start, (end + page_size - 1) & ~(page_size - 1));
	long ret = call_execute(call);
	if (matters)
		vm_protection_change_end(start, (end + page_size - 1) & ~(page_size - 1));
	if (!is_error(ret) && may_map_device(call, matters)) {
		u64 size = call[0] == __NR_mmap ? call[2] : call[3];
		vm_device_mapped(static_cast<u64>(ret), (static_cast<u64>(ret) + size + page_size - 1) & ~(page_size - 1));
	}
	gate_reply(s, ret);
}

void call_serve(Session *s)
{
	const struct decouple_slot *slot = s->slot;
	u64 start = rdtsc();
	u32 nr = slot->nr;
	/* The kernel sign-extends EAX (arch/x86/entry/common.c). Every field is read once: the page is the guest's to write. */
	u64 call[7] = {static_cast<u64>(static_cast<s64>(static_cast<s32>(nr))),
		       slot->arg[0],
		       slot->arg[1],
		       slot->arg[2],
		       slot->arg[3],
		       slot->arg[4],
		       slot->arg[5]};
	count(s->info.syscalls);
	s->info.last_syscall = nr;
	s->recapture_tries = 0;
	long ret;
	CallClass c = call_class(nr);
	switch (c) {
	case CallClass::plain:
		gate_reply(s, call_execute(call));
		break;
	case CallClass::interruptible:
		serve_interruptible(s, call);
		break;
	case CallClass::may_signal:
		call_finish(s, call_execute(call));
		break;
	case CallClass::sigwait:
		serve_sigwait(s, call);
		break;
	case CallClass::temporary_mask:
		serve_temporary_mask(s, call);
		break;
	case CallClass::protection:
		serve_protection(s, call);
		break;
	case CallClass::cpu_clock:
		gate_reply(s, cputime_call(s, call, &ret) ? ret : call_execute(call));
		break;
	default:
		call_serve_special(s, c, call);
		break;
	}
	cputime_call_done(s, start);
}

} // namespace decouple
