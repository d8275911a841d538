/* SPDX-License-Identifier: GPL-2.0-only */
/* The manager thread; see manager.h. */
#include "manager.h"
#include "calls.h"
#include "gate.h"
#include "kvm_stats.h"
#include "lock.h"
#include "proc_maps.h"
#include "recouple.h"
#include "reflector.h"
#include "resident_start.h"
#include "task_name.h"
#include "vcpu.h"
#include "vm.h"
#include "decouple/gate.h"

extern "C" [[noreturn]] void farewell(decouple::u64 address, decouple::u64 size, decouple::u64 code, decouple::u64 status)
	__attribute__((visibility("hidden")));
extern "C" const char image_header[] __attribute__((visibility("hidden")));

namespace decouple
{

constexpr s64 ms = 1000000;
constexpr s64 abandoned_ns = 5000 * ms; /* nobody asked for a session: the controller is gone */

static u64 tsc_per_us = 2000;
static u32 manager_alive; /* CLONE_CHILD_CLEARTID word */
static u32 suspend_asked;
static Session *resume_session;
static bool had_sessions;
static Mutex adopt_lock;
static struct {
	s32 tid;
	u32 core, service_core;
	Handover handover;
} adopted[64];
static u32 adopted_count;

u64 manager_tsc_per_us()
{
	return tsc_per_us;
}

s64 manager_now_ns()
{
	TimeSpec t;
	sys(__NR_clock_gettime, 4 /* CLOCK_MONOTONIC_RAW */, addr(&t));
	return t.sec * 1000000000 + t.nsec;
}

void manager_poke()
{
	reflector_manager_wake();
}

bool manager_is_awaited()
{
	if (load(control.state) == ResidentState::fresh)
		return load(control.config.serves_places);
	return load(control.mailbox.seq) != load(control.mailbox.done_seq);
}

bool manager_has_work()
{
	return load(adopted_count) || load(suspend_asked);
}

void manager_sample(u64 ticks)
{
	constexpr u32 room = sizeof(control.samples) / sizeof(control.samples[0]);
	if (control.sample_count < room)
		control.samples[control.sample_count] = static_cast<u32>(ticks > ~0u ? ~0u : ticks);
	store(control.sample_count, control.sample_count + 1);
}

u32 manager_active_sessions()
{
	u32 n = 0;
	for (u32 i = 0; i < load(session_limit); i++) {
		Session *s = session_at(i);
		SessionState state = s ? load(s->info.state) : SessionState::none;
		n += state != SessionState::none && state != SessionState::recoupled && state != SessionState::failed;
	}
	return n;
}

/* Starts the vCPU thread of a session and waits until it is ready or has failed. */
static long start_vcpu(Session *s)
{
	s->vcpu_alive = 1;
	store(s->info.state, SessionState::none);
	long tid = start_thread(resident_thread_flags | clone_files, s->vcpu_stack, &s->vcpu_alive, vcpu_thread, s);
	if (tid < 0) {
		s->vcpu_alive = 0;
		store(s->info.state, SessionState::failed);
		return tid;
	}
	while (load(s->info.state) == SessionState::none)
		futex_wait(reinterpret_cast<u32 *>(&s->info.state), 0);
	return load(s->info.state) == SessionState::failed ? s->info.error : 0;
}

/* The vCPU thread shall run as the application's thread would: same policy, priority and nice value. */
static void copy_scheduling(const Session *s)
{
	u8 attributes[64] = {};
	if (sys(__NR_sched_getattr, static_cast<u64>(s->info.tid), addr(attributes), sizeof(attributes), 0) == 0)
		sys(__NR_sched_setattr, static_cast<u64>(s->info.vcpu_tid), addr(attributes), 0);
}

static long add_session(s32 tid, u32 core, u32 service_core, Session **out)
{
	Session *s;
	long index = session_create(tid, &s);
	if (index < 0)
		return index;
	s->info.core = core;
	s->info.service_core = service_core;
	long e = reflector_add(s);
	if (e < 0) {
		control.error_step = static_cast<u32>(SetupStep::module_session);
		store(s->info.state, SessionState::failed);
		return e;
	}
	e = start_vcpu(s);
	if (e < 0) {
		reflector_remove(s);
		return e;
	}
	copy_scheduling(s);
	had_sessions = true;
	*out = s;
	return index;
}

static long round_trips(s32 tid, u64 trips)
{
	Session *s = session_of(tid);
	if (!s)
		return -ESRCH;
	control.sample_count = 0;
	s->round_trips_left = static_cast<u32>(trips);
	store(s->want, static_cast<u32>(Want::round_trips));
	full_barrier();
	reflector_wake_home(s);
	return 0;
}

void manager_adopt(s32 tid, u64 fs_base, const Session *parent)
{
	adopt_lock.lock();
	if (adopted_count < sizeof(adopted) / sizeof(adopted[0])) {
		auto &a = adopted[adopted_count++];
		a.tid = tid;
		a.core = control.config.core_count ? control.config.cores[static_cast<u32>(tid) % control.config.core_count]
						   : parent->info.core;
		a.service_core = parent->info.service_core;
		a.handover = {};
		if (control.config.rseq_offset)
			a.handover = {fs_base + control.config.rseq_offset, control.config.rseq_len, control.config.rseq_sig, 0,
				      0};
	}
	adopt_lock.unlock();
	manager_poke();
}

static void serve_adoptions()
{
	for (;;) {
		adopt_lock.lock();
		if (!adopted_count || vm_ends()) {
			adopted_count = 0;
			adopt_lock.unlock();
			return;
		}
		auto a = adopted[--adopted_count];
		adopt_lock.unlock();
		Session *s;
		if (add_session(a.tid, a.core, a.service_core, &s) < 0)
			continue; /* it stays native: status shows the failed session */
		s->info.handover = a.handover;
		store(s->mode, static_cast<u32>(Mode::native));
		store(s->recapture_claim, 1u);
		while (load(s->recapture_claim))
			reflector_capture(s);
	}
}

/* The thread behind an ended session no longer runs: it does not exist, or is a leader that waits as a zombie for the others. */
static bool gone(s32 tid)
{
	char path[48], text[512];
	task_path(path, tid, "stat");
	long fd = sys(__NR_open, addr(path), 02000000 /* O_CLOEXEC */, 0);
	if (fd < 0)
		return fd == -ENOENT || fd == -ESRCH; /* not where only the open files have run out */
	long n = sys(__NR_read, static_cast<u64>(fd), addr(text), sizeof(text));
	sys(__NR_close, static_cast<u64>(fd));
	for (long i = n - 1; i > 1; i--) /* "PID (NAME) STATE ..."; the name may contain anything */
		if (text[i - 2] == ')' && text[i - 1] == ' ')
			return text[i] == 'Z' || text[i] == 'X';
	return n <= 0;
}

/* All home threads have exited, so nothing can be executing in the image any more. */
static bool all_gone()
{
	for (u32 i = 0; i < session_limit; i++) {
		Session *s = session_at(i);
		if (s && !gone(s->info.tid))
			return false;
	}
	return true;
}

/* New threads may have to wait for a busy core before they leave the resident's code. False: one is not to be expected to (stopped, frozen). */
static bool wait_for_children(const Session *s)
{
	constexpr u32 tries = 4000;
	TimeSpec moment = {0, ms / 2};
	auto left = [s] { return children_left(s) && (!s->spare || children_left(s->spare)); };
	for (u32 i = 0; i < tries && !left(); i++)
		sys(__NR_nanosleep, addr(&moment), 0);
	return left();
}

/*
 * Undoes everything and ends the manager. `left`: no thread executes in the image or on a gate stack; only then they are unmapped too.
 */
[[noreturn]] static void unload(bool left)
{
	reflector_release();
	for (u32 i = 0; i < session_limit; i++) {
		Session *s = session_at(i);
		if (!s)
			continue;
		join_thread(&s->vcpu_alive);
		left = left && reflector_left(s) && wait_for_children(s);
		reflector_remove(s);
		if (left)
			session_free(s);
	}
	vm_destroy();
	store(control.state, ResidentState::dead);
	/* The last thread's status is the process's (kernel/exit.c: synchronize_group_exit): the application's, and after KVM's worker. */
	for (int tries = 0; tries < 200 && manager_other_threads(); tries++) {
		TimeSpec t = {0, ms / 10};
		sys(__NR_nanosleep, addr(&t), 0);
	}
	u64 status = load(control.exit_status);
	if (left && control.config.gate)
		sys(__NR_munmap, control.config.gate, DECOUPLE_GATE_SIZE);
	if (left && control.config.vdso_farewell)
		farewell(addr(image_header), control.image_size, control.config.vdso_farewell, status);
	for (;;)
		sys(__NR_exit, status);
}

static void serve_mailbox()
{
	Mailbox &m = control.mailbox;
	u32 seq = load(m.seq);
	if (seq == m.done_seq)
		return;
	Session *s;
	switch (m.command) {
	case Command::add:
		if (vm_ends()) {
			m.result = -EBUSY;
			break;
		}
		recouple_all(Reason::none);
		if ((s = session_of(m.tid)) && !s->first_capture_done && load(s->info.state) == SessionState::starting) {
			m.result = s->info.index; /* an attach died between this and the capture: go on where it was */
			break;
		}
		m.result = add_session(m.tid, m.core, m.service_core, &s);
		if (m.result >= 0)
			store(s->mode, static_cast<u32>(Mode::native));
		break;
	case Command::capture:
		s = session_of(m.tid);
		m.result = s && by_module() ? 0 : -ESRCH;
		if (!m.result)
			reflector_capture(s);
		break;
	case Command::recouple:
		m.result = recouple(m.tid);
		break;
	case Command::unload:
		m.result = manager_active_sessions() ? -EBUSY : 0;
		store(m.done_seq, seq);
		if (!m.result)
			unload(m.arg);
		return;
	case Command::bench_round_trips:
		m.result = round_trips(m.tid, m.arg);
		break;
	default:
		m.result = -EINVAL;
	}
	store(m.done_seq, seq);
}

/* Lets a resident thread run on the service cores, and on the dedicated ones if `all`, but not on `except`. */
static void run_on(s32 tid, bool all, u32 except)
{
	const Config &c = control.config;
	u64 cores[16] = {};
	auto add = [&](u32 core) {
		if (core != except && core / 64 < sizeof(cores) / sizeof(cores[0]))
			cores[core / 64] |= 1ull << (core % 64);
	};
	for (u32 i = 0; i < c.service_core_count; i++)
		add(c.service_cores[i]);
	for (u32 i = 0; all && i < c.core_count; i++)
		add(c.cores[i]);
	sys(__NR_sched_setaffinity, static_cast<u64>(tid), sizeof(cores), addr(cores)); /* in vain if there is none */
}

static u32 getcpu()
{
	u32 cpu = ~0u;
	sys(__NR_getcpu, addr(&cpu), 0, 0);
	return cpu;
}

[[noreturn]] static void loop()
{
	s64 ended_since = 0, started = manager_now_ns();
	bool settled = false;
	for (;;) {
		serve_mailbox();
		serve_adoptions();
		serve_vm_end();
		kvm_stats_serve();
		if (load(suspend_asked)) {
			suspend_asked = 0;
			vm_destroy();
			for (;;)
				sys(__NR_exit, 0);
		}
		s64 now = manager_now_ns();
		bool idle = manager_active_sessions() == 0 && !adopted_count;
		if (!idle && !settled) {
			settled = true;
			run_on(0, false, ~0u); /* the set-up is over: away from the dedicated cores */
		}
		if (!idle)
			ended_since = 0;
		else if (!ended_since)
			ended_since = now;
		bool end = recoupling_all();
		if (idle && had_sessions && (end || all_gone()))
			unload(true);
		if (idle && now - (had_sessions ? ended_since : started) > abandoned_ns)
			unload(false);
		/* Asleep unless something is about to end: looked at closely first, leisurely later. */
		TimeSpec t = {0, now - ended_since < 100 * ms ? ms / 2 : end ? 5 * ms : 100 * ms};
		Reason asked = reflector_manager_wait(idle || end ? &t : nullptr);
		if (asked != Reason::none)
			recouple_all(asked);
		if (recoupling_all())
			recouple(0);
	}
}

/* The controller reads the error before the image goes. */
[[noreturn]] static void give_up(SetupError e)
{
	control.error = static_cast<s32>(e.error);
	control.error_step = static_cast<u32>(e.step);
	store(control.state, ResidentState::failed);
	futex_wake(reinterpret_cast<u32 *>(&control.state), ~0u >> 1);
	s64 deadline = manager_now_ns() + abandoned_ns;
	while (manager_now_ns() < deadline) {
		TimeSpec t = {0, 10 * ms};
		reflector_manager_wait(&t);
		serve_mailbox();
	}
	unload(false);
}

/* It came as one mapping with all rights. Here, since the application's thread has waited long enough. */
static void protect_image()
{
	const auto *header = reinterpret_cast<const ImageHeader *>(image_header);
	u64 image = addr(image_header), text = header->text_size;
	sys(__NR_mprotect, image, text, prot_read | prot_exec);
	sys(__NR_mprotect, image + text, header->image_size - text, prot_read | prot_write);
}

struct Instant {
	u64 tsc;
	s64 ns;
};

/* Both clocks at once: if the thread was preempted between them, again. */
static Instant instant()
{
	constexpr u64 close = 20000; /* ticks; undisturbed it takes some hundreds */
	constexpr int tries = 8;
	Instant now = {};
	for (int i = 0; i < tries; i++) {
		u64 before = rdtsc();
		s64 ns = manager_now_ns();
		now = {rdtsc(), ns};
		if (now.tsc - before < close)
			break;
	}
	return now;
}

[[noreturn]] static void manager_thread(void *)
{
	sigprocmask(sig_setmask, ~0ull);
	control.manager_tid = static_cast<s32>(sys(__NR_gettid));
	/* Our own copy of the table: the application's is untouched. */
	sys(__NR_close_range, 0, ~0u, 0);
	static const char root[] = "/";
	sys(__NR_chdir, addr(root));
	name_thread("decouple", 0);
	if (!control.config.hold && !resume_session) {
		/* The application's thread first: a new thread on the same core would make it wait for the VM. */
		TimeSpec head_start = {0, ms / 10};
		sys(__NR_nanosleep, addr(&head_start), 0);
	}
	protect_image();
	Instant begin = instant();
	SetupError e = vm_create();
	if (failed(e))
		give_up(e);
	Session *s = resume_session;
	long r = 0;
	if (s)
		r = start_vcpu(s);
	else if (control.config.hold)
		r = add_session(control.hold_tid, control.config.hold_core, control.config.hold_service_core, &s);
	if (r < 0)
		give_up({static_cast<SetupStep>(control.error_step), r});
	if (s && !resume_session)
		store(s->mode, static_cast<u32>(Mode::native));
	resume_session = nullptr;
	Instant end = instant();
	if (end.ns - begin.ns > 1000)
		tsc_per_us = (end.tsc - begin.tsc) * 1000 / static_cast<u64>(end.ns - begin.ns);
	store(control.config.serves_places, 0u);
	store(control.state, ResidentState::running);
	futex_wake(reinterpret_cast<u32 *>(&control.state), ~0u >> 1);
	loop();
}

void resident_forget()
{
	memset(&control, 0, sizeof(control));
	memset(&vm, 0, sizeof(vm));
	maps_fd = -1;
	memset(&adopt_lock, 0, sizeof(adopt_lock));
	session_limit = 0;
	adopted_count = 0;
	had_sessions = false;
	resume_session = nullptr;
	suspend_asked = 0;
	recouple_forget();
}

long manager_start()
{
	store(control.state, ResidentState::fresh);
	manager_alive = 1;
	long tid = start_thread(resident_thread_flags, addr(manager_stack_top), &manager_alive, manager_thread, nullptr);
	if (tid < 0) {
		manager_alive = 0;
		return tid;
	}
	/* It would otherwise wait behind the application's thread for the core that it was born on. */
	run_on(static_cast<s32>(tid), true, getcpu());
	return tid;
}

bool manager_wait_ready()
{
	while (load(control.state) == ResidentState::fresh)
		futex_wait(reinterpret_cast<u32 *>(&control.state), 0);
	return load(control.state) == ResidentState::running;
}

void manager_suspend(Session *s)
{
	gate_quit_vcpu(s);
	store(suspend_asked, 1u);
	manager_poke();
	join_thread(&manager_alive);
}

long manager_resume(Session *s)
{
	resume_session = s;
	long r = manager_start();
	if (r < 0)
		return r;
	return manager_wait_ready() ? 0 : control.error;
}

bool manager_other_threads()
{
	static const char path[] = "/proc/self/task";
	long fd = sys(__NR_open, addr(path), 02200000 /* O_DIRECTORY | O_CLOEXEC */, 0);
	if (fd < 0)
		return false;
	char entries[1024];
	s32 self = static_cast<s32>(sys(__NR_gettid));
	bool others = false;
	long n = sys(__NR_getdents64, static_cast<u64>(fd), addr(entries), sizeof(entries));
	for (long at = 0; at < n; at += *reinterpret_cast<u16 *>(entries + at + 16)) {
		const char *name = entries + at + 19; /* struct linux_dirent64: d_name */
		s32 tid = 0;
		for (const char *c = name; *c >= '0' && *c <= '9'; c++)
			tid = tid * 10 + (*c - '0');
		others = others || (tid && tid != self && !gone(tid));
	}
	sys(__NR_close, static_cast<u64>(fd));
	return others;
}

} // namespace decouple
