/* SPDX-License-Identifier: GPL-2.0-only */
/* Virtual CPU clocks; see cputime.h. */
#include "cputime.h"
#include "manager.h"

namespace decouple
{

constexpr u64 long_call_us = 50;
constexpr s64 ns_per_s = 1000000000;
enum ClockId : s32 { process_cputime = 2, thread_cputime = 3 };

/* Clock of one thread of the process: CPUCLOCK_SCHED | CPUCLOCK_PERTHREAD_MASK (include/linux/posix-timers_types.h). */
constexpr s32 thread_clock(s32 tid)
{
	return static_cast<s32>(static_cast<u32>(~tid) << 3 | 6);
}

static s64 read_clock(s32 id)
{
	TimeSpec t = {};
	if (sys(__NR_clock_gettime, static_cast<u64>(static_cast<s64>(id)), addr(&t)) < 0)
		return 0;
	return t.sec * ns_per_s + t.nsec;
}

static s64 tsc_to_ns(u64 ticks)
{
	return static_cast<s64>(ticks * 1000 / manager_tsc_per_us());
}

void cputime_mark(Session *s)
{
	s->cpu.home_seen_ns = read_clock(thread_cputime);
	s->cpu.vcpu_seen_ns = read_clock(thread_clock(s->info.vcpu_tid));
	s->cpu.seen_tsc = rdtsc();
}

void cputime_first_capture(Session *s)
{
	s->cpu = {};
	cputime_mark(s);
	s->cpu.own_ns = s->cpu.home_seen_ns;
	s->cpu.vcpu_base_ns = s->cpu.vcpu_seen_ns;
}

void cputime_enter_gate(Session *s)
{
	if (!s->first_capture_done)
		return;
	cputime_mark(s);
	if (s->cpu.native_since_ns && s->cpu.home_seen_ns > s->cpu.native_since_ns)
		s->cpu.own_ns += s->cpu.home_seen_ns - s->cpu.native_since_ns;
	s->cpu.native_since_ns = 0;
}

void cputime_leave_gate(Session *s)
{
	s->cpu.native_since_ns = read_clock(thread_cputime);
}

void cputime_call_done(Session *s, u64 start_tsc)
{
	u64 now = rdtsc();
	if (now - start_tsc < long_call_us * manager_tsc_per_us())
		return;
	/* Both threads were running until the call began: their clocks then follow from the last reading. */
	s64 before = tsc_to_ns(start_tsc - s->cpu.seen_tsc);
	s64 home = s->cpu.home_seen_ns + before, vcpu = s->cpu.vcpu_seen_ns + before, duration = tsc_to_ns(now - start_tsc);
	cputime_mark(s);
	s64 worked = s->cpu.home_seen_ns - home, spun = s->cpu.vcpu_seen_ns - vcpu;
	worked = worked < 0 ? 0 : worked > duration ? duration : worked;
	spun = spun < 0 ? 0 : spun;
	if (worked > spun)
		s->cpu.burned_ns += worked - spun;
}

/* Valid on any thread while the session is in the gate; a native slice in progress is read from the home thread's clock. */
static s64 thread_time(const Session *s)
{
	const auto &c = s->cpu;
	s64 t = c.own_ns + c.burned_ns + read_clock(thread_clock(s->info.vcpu_tid)) - c.vcpu_base_ns;
	if (c.native_since_ns)
		t += read_clock(thread_clock(s->info.tid)) - c.native_since_ns;
	return t;
}

/* What the process's clock counts too much: everything of the resident but what thread_time() grants. */
static s64 excess()
{
	s64 sum = read_clock(thread_clock(control.manager_tid));
	for (u32 i = 0; i < load(session_limit); i++) {
		Session *s = session_at(i);
		if (s && s->first_capture_done && load(s->mode) != static_cast<u32>(Mode::left) && s->info.vcpu_tid)
			sum += read_clock(thread_clock(s->info.tid)) + read_clock(thread_clock(s->info.vcpu_tid)) -
			       thread_time(s);
	}
	return sum;
}

static s64 process_time()
{
	return read_clock(process_cputime) - excess();
}

/* Session whose clock a dynamic clock id names (pthread_getcpuclockid, clock_getcpuclockid); 0 stands for the caller. */
static Session *clock_session(Session *self, s32 id)
{
	s32 tid = ~(id >> 3);
	return tid == 0 ? self : session_of(tid);
}

static bool clock_gettime(Session *s, s32 id, u64 to, long *ret)
{
	s64 ns;
	if (id == process_cputime) {
		ns = process_time();
	} else if (id == thread_cputime) {
		ns = thread_time(s);
	} else if (id < 0 && (id & 7) == 6) {
		Session *other = clock_session(s, id);
		if (!other)
			return false;
		ns = thread_time(other);
	} else if (id < 0 && (id & 7) == 2 && (~(id >> 3) == 0 || ~(id >> 3) == control.tgid)) {
		ns = process_time();
	} else {
		return false;
	}
	TimeSpec t = {ns / ns_per_s, ns % ns_per_s};
	*ret = copy_to_app(to, &t, sizeof(t));
	return true;
}

struct TimeVal {
	s64 sec, usec;
};
struct RUsage {
	TimeVal utime, stime;
	s64 rest[14];
};
static_assert(sizeof(RUsage) == 144);

/* Splits `total` as the kernel split its own figure: system time as measured, the rest user. */
static void split(s64 total_us, TimeVal *user, TimeVal *system)
{
	s64 sys_us = system->sec * 1000000 + system->usec;
	if (total_us < 0)
		total_us = 0;
	if (sys_us > total_us)
		sys_us = total_us;
	s64 user_us = total_us - sys_us;
	*user = {user_us / 1000000, user_us % 1000000};
	*system = {sys_us / 1000000, sys_us % 1000000};
}

static bool getrusage(Session *s, s32 who, u64 to, long *ret)
{
	constexpr s32 self = 0, thread = 1;
	if (who != self && who != thread)
		return false;
	RUsage u;
	*ret = sys(__NR_getrusage, static_cast<u64>(who), addr(&u));
	if (*ret)
		return true;
	split((who == self ? process_time() : thread_time(s)) / 1000, &u.utime, &u.stime);
	*ret = copy_to_app(to, &u, sizeof(u));
	return true;
}

static bool times(u64 to, long *ret)
{
	constexpr s64 ticks = 100; /* USER_HZ */
	struct {
		s64 utime, stime, cutime, cstime;
	} t;
	*ret = sys(__NR_times, addr(&t));
	if (!to || (*ret < 0 && *ret > -4096))
		return true;
	s64 total = process_time() / (ns_per_s / ticks);
	if (t.stime > total)
		t.stime = total;
	t.utime = total - t.stime;
	if (copy_to_app(to, &t, sizeof(t)))
		*ret = -EFAULT;
	return true;
}

bool cputime_call(Session *s, const u64 call[7], long *ret)
{
	switch (call[0]) {
	case __NR_clock_gettime:
		return clock_gettime(s, static_cast<s32>(call[1]), call[2], ret);
	case __NR_getrusage:
		return getrusage(s, static_cast<s32>(call[1]), call[2], ret);
	case __NR_times:
		return times(call[1], ret);
	default:
		return false;
	}
}

} // namespace decouple
