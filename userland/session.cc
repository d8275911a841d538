/* SPDX-License-Identifier: GPL-2.0-only */
/* Attach and recouple; see session.h. */
#include "session.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "checks.h"
#include "clock.h"
#include "controller.h"
#include "decouple/gate.h"
#include "inject.h"
#include "module.h"
#include "placement.h"
#include "proc.h"
#include "vmm-lite/setup_step.h"
#include "vmm-lite/state.h"

namespace decouple
{

constexpr int reserved_signal = 64;
constexpr uint64_t reserved_bit = 1ull << 63;
/* On an overloaded machine KVM needs seconds for a change of memory slots (synchronize_srcu), and a vCPU cannot be stopped in it. */
constexpr long recouple_patience_ns = 30'000'000'000;
constexpr long patience_ns = 10'000'000'000;

static void nap(long ns)
{
	timespec t = {0, ns};
	nanosleep(&t, nullptr);
}

static Config config_for(const AttachOptions &o, const Cores &cores)
{
	Config c = {};
	c.serves_places = 1;
	c.home_spin_us = o.home_spin_us;
	c.guest_spin = 2000;
	c.apics = o.apics;
	c.follow = o.follow;
	for (int core : cores.dedicated)
		if (c.core_count < std::size(c.cores))
			c.cores[c.core_count++] = static_cast<uint16_t>(core);
	for (int core : cores.service)
		if (c.service_core_count < std::size(c.service_cores))
			c.service_cores[c.service_core_count++] = static_cast<uint16_t>(core);
	strncpy(c.follow_socket, o.follow_socket.c_str(), sizeof(c.follow_socket) - 1);
	return c;
}

static bool alive(pid_t pid, pid_t tid)
{
	auto s = read_task_status(pid, tid);
	return s && s->state != 'Z' && s->state != 'X' && !is_exiting(pid, tid);
}

/* The manager by its tid, never by its name: a target may be called `decouple` itself. */
static bool is_resident_thread(pid_t pid, pid_t tid, pid_t manager)
{
	auto s = read_task_status(pid, tid);
	return s && (tid == manager || s->name.starts_with("dec-vcpu/") || s->name.starts_with("kvm-nx-lpage"));
}

/* The threads that the options name, checked. manager: of the resident that is there, or 0. */
static Result<std::vector<pid_t>> select_threads(pid_t pid, const AttachOptions &o, pid_t manager)
{
	std::vector<pid_t> tids;
	for (pid_t tid : o.tids)
		if (std::find(tids.begin(), tids.end(), tid) == tids.end())
			tids.push_back(tid);
	if (o.all) {
		for (pid_t tid : threads_of(pid))
			if (alive(pid, tid) && !is_resident_thread(pid, tid, manager))
				tids.push_back(tid);
		/* The leader first: the resident comes in through it, and others may end at any moment. */
		std::stable_partition(tids.begin(), tids.end(), [&](pid_t tid) { return tid == pid; });
	} else if (tids.empty()) {
		tids.push_back(pid);
		if (!alive(pid, pid))
			return fail(ESRCH, "the main thread of process " + std::to_string(pid) +
						   " has ended: name one with --tid, or use --all");
	}
	auto own = threads_of(pid);
	std::vector<pid_t> gone;
	for (pid_t tid : tids) {
		if (std::find(own.begin(), own.end(), tid) == own.end() && !o.all)
			return fail(ESRCH, "process " + std::to_string(pid) + " has no thread " + std::to_string(tid));
		auto ok = check_thread(pid, tid);
		if (!ok && o.all && !alive(pid, tid))
			gone.push_back(tid); /* it ended while we looked */
		else if (!ok)
			return std::unexpected(ok.error());
	}
	std::erase_if(tids, [&](pid_t tid) { return std::find(gone.begin(), gone.end(), tid) != gone.end(); });
	if (tids.empty())
		return fail(ESRCH, "process " + std::to_string(pid) + " has no thread that could be decoupled");
	return tids;
}

static bool is_active(const SessionInfo &i)
{
	return i.state != SessionState::recoupled && i.state != SessionState::failed && i.state != SessionState::none;
}

/* Stops the thread for its first capture: what only a tracer can see goes to the session, a blocked call will start again. */
static Result<long> capture_first(pid_t pid, pid_t tid, const Controller &controller, uint64_t session)
{
	auto stopped = TRY(Stopped::stop(tid));
	long begin = monotonic_ns();
	auto r = TRY(stopped.registers());
	uint64_t mask = TRY(stopped.signal_mask());
	TRY(check_stopped(stopped, tid));
	Handover h = stopped.rseq();
	h.reserved_blocked = (mask & reserved_bit) != 0;
	if (!controller.write(session + offsetof(SessionInfo, handover), &h, sizeof(h)))
		return fail_errno("can't hand thread " + std::to_string(tid) + " over");
	restart_interrupted_call(r, would_be_interrupted(pid, tid, r, mask));
	TRY(stopped.set_registers(r));
	if (h.reserved_blocked)
		TRY(stopped.set_signal_mask(mask & ~reserved_bit));
	/* EAGAIN: the user's queue of real-time signals is full. */
	for (int tries = 0; syscall(SYS_tgkill, pid, tid, reserved_signal) < 0; tries++, nap(100'000))
		if (errno != EAGAIN || tries > 1000) {
			int error = errno;
			TRY(stopped.set_signal_mask(mask));
			return fail(error, "can't send signal 64 to thread " + std::to_string(tid) + ": " + strerror(error) +
						   (error == EAGAIN ? " (signal queue full: RLIMIT_SIGPENDING)" : ""));
		}
	stopped.detach();
	return monotonic_ns() - begin;
}

/* The manager asks the module, which interrupts a blocked call and stops nothing. */
static Result<long> capture_by_module(pid_t tid, const Controller &controller)
{
	int64_t r = TRY(controller.command(Command::capture, tid));
	if (r < 0)
		return fail(static_cast<int>(-r),
			    "can't capture thread " + std::to_string(tid) + ": " + strerror(static_cast<int>(-r)));
	return 0L;
}

static Result<> wait_running(const Controller &controller, pid_t pid, pid_t tid)
{
	for (long deadline = monotonic_ns() + patience_ns;; nap(20'000)) {
		auto s = controller.session(tid);
		if (!s && !alive(pid, tid))
			return {}; /* it ran, and ended */
		if (s && !s->second.first_run_tsc && s->second.reason == Reason::unsupported_call)
			return fail(EOPNOTSUPP, "could not " +
							std::string(setup_step_name(uint32_t(SetupStep::instructions_off))) +
							" (thread " + std::to_string(tid) + ")");
		if (s && (s->second.first_run_tsc || !is_active(s->second)))
			return {};
		if (monotonic_ns() > deadline)
			return fail(ETIMEDOUT, "thread " + std::to_string(tid) +
						       " was not captured (does it sleep uninterruptibly, or is it stopped?)");
	}
}

/*
 * A home thread blocked in a call that it executes for its guest is taken out by a tracer, so that the call goes on natively where it
 * was. One that is not in such a call is left alone.
 */
static Result<> take_out_of_call(pid_t tid, const Controller &controller)
{
	ImageHeader h;
	if (!read_memory(tid, controller.image(), &h, sizeof(h)))
		return fail_errno("can't read the resident of thread " + std::to_string(tid));
	auto stopped = TRY(Stopped::stop(tid));
	auto r = TRY(stopped.registers());
	uint64_t begin = controller.image() + h.call_begin, end = controller.image() + h.call_end;
	if (r.rip < begin || r.rip > end || static_cast<s64>(r.orig_rax) < 0)
		return {};
	Restart how = restart_of(static_cast<s64>(r.orig_rax), static_cast<s64>(r.rax));
	if (how == Restart::no)
		return {};
	r.rdi = how == Restart::restart_block ? static_cast<uint64_t>(__NR_restart_syscall) : r.orig_rax;
	r.rip = controller.image() + h.leave_entry;
	r.orig_rax = ~0ull;
	return stopped.set_registers(r);
}

static Result<> wait_recoupled(pid_t pid, pid_t tid, const Controller &controller)
{
	long begin = monotonic_ns();
	for (long next_try = begin + 2'000'000;; nap(50'000)) {
		auto s = controller.session(tid);
		if (!s || !is_active(s->second) || !alive(pid, tid))
			return {};
		long now = monotonic_ns();
		if (now > next_try && !controller.by_module()) {
			TRY(take_out_of_call(tid, controller));
			next_try = now + 20'000'000;
		}
		if (now - begin > recouple_patience_ns)
			return fail(ETIMEDOUT,
				    "thread " + std::to_string(tid) +
					    " does not come back (stopped, or in an uninterruptible call); it stays asked to");
	}
}

/* Has the thread left the resident's code and stacks? Seen from a stop, so it can't be about to. */
static bool has_left(pid_t pid, pid_t tid, uint64_t image, uint64_t image_size)
{
	for (int tries = 0; tries < 100; tries++, nap(100'000)) {
		if (!alive(pid, tid))
			return true;
		auto stopped = Stopped::stop(tid);
		if (!stopped)
			continue;
		auto r = stopped->registers();
		if (r && (r->rip < image || r->rip >= image + image_size))
			return true;
	}
	return false;
}

/* Waits until the resident's threads and mappings are gone. */
static Result<> wait_unloaded(pid_t pid, const Controller &controller)
{
	for (long deadline = monotonic_ns() + patience_ns;; nap(100'000)) {
		auto now = threads_of(pid);
		ImageHeader h;
		auto ours = std::find_if(now.begin(), now.end(),
					 [&](pid_t tid) { return is_resident_thread(pid, tid, controller.manager()); });
		if (ours == now.end() && (now.empty() || !read_memory(live_thread(pid), controller.image(), &h, sizeof(h))))
			return {};
		if (ours == now.end() && !alive(pid, controller.manager()))
			return {}; /* the image stays, inert: a thread was still in it */
		if (monotonic_ns() > deadline)
			return fail(ETIMEDOUT,
				    "process " + std::to_string(pid) + " runs natively, but the resident's " +
					    (ours == now.end() ? "memory is still mapped"
							       : "thread " + std::to_string(*ours) +
									 " has not ended (is it traced or frozen?)") +
					    "; it ends by itself as soon as it can");
	}
}

/* Ends the resident when no session is left. `tids`: all threads that may have been in it. */
static Result<> remove_resident(pid_t pid, const std::vector<pid_t> &tids, const Controller &controller)
{
	auto c = controller.read();
	if (!c)
		return {}; /* the process ended */
	bool manager = alive(pid, controller.manager());
	auto sessions = status(pid).value_or(std::vector<ThreadStatus>{});
	bool children = std::any_of(sessions.begin(), sessions.end(), [](const ThreadStatus &t) { return t.info.clones; });
	/* With the module the manager knows; without a manager nobody does. */
	bool left = (controller.by_module() && manager) || std::all_of(tids.begin(), tids.end(), [&](pid_t tid) {
			    return has_left(pid, tid, c->image_base, c->image_size);
		    });
	if (manager) {
		(void)controller.command(Command::unload, 0, 0, 0, left);
		TRY(wait_unloaded(pid, controller));
	} else if (left) {
		unmap_image(pid, live_thread(pid), c->image_base,
			    c->config.gate ? c->config.gate + DECOUPLE_GATE_SIZE - c->image_base - c->image_size : 0);
	}
	pid_t tid = live_thread(pid);
	if (left && !find_resident(pid, tid))
		erase_bootstrap(pid, tid, children);
	return {};
}

static bool any_active(pid_t pid)
{
	auto list = status(pid).value_or(std::vector<ThreadStatus>{});
	return std::any_of(list.begin(), list.end(), [](const ThreadStatus &t) { return is_active(t.info); });
}

/* Has a session made for the thread, and captures it. How long it was stopped, in ns. `begun` grows by a thread that has a session. */
static Result<long> take_thread(pid_t pid, pid_t tid, int core, int service_core, const Controller &controller,
				std::vector<pid_t> &begun)
{
	int64_t index =
		TRY(controller.command(Command::add, tid, static_cast<unsigned>(core), static_cast<unsigned>(service_core)));
	if (index < 0) {
		if (!alive(pid, tid))
			return fail(ESRCH, "thread " + std::to_string(tid) + " ended while it was being decoupled");
		auto c = controller.read();
		if (!controller.place_error().empty() && c && c->error_step == static_cast<uint32_t>(SetupStep::place))
			return fail(static_cast<int>(-index), controller.place_error());
		return fail(static_cast<int>(-index), std::string("could not ") + setup_step_name(c ? c->error_step : 0) +
							      " for thread " + std::to_string(tid) + ": " +
							      strerror(static_cast<int>(-index)));
	}
	begun.push_back(tid);
	auto session = TRY(controller.session(tid));
	return controller.by_module() ? capture_by_module(tid, controller) : capture_first(pid, tid, controller, session.first);
}

/* Undoes an attach whose set-up failed: nothing but the manager, and the thread that started it, has been in the resident. */
static void undo_injection(pid_t pid, pid_t tid, const Injection &injected)
{
	constexpr uint32_t go = 1;
	(void)write_memory(tid, injected.control + offsetof(Control, hold_go), &go, sizeof(go));
	auto controller = Controller::at(pid, injected.control);
	if (controller && controller->state() == ResidentState::failed)
		(void)remove_resident(pid, {tid}, *controller);
}

/* Undoes an attach that failed at one of its threads. `injector`: the thread on which this attach started the resident, or 0. */
static void undo_sessions(pid_t pid, std::vector<pid_t> tids, pid_t injector, const Controller &controller)
{
	for (pid_t tid : tids)
		if (controller.command(Command::recouple, tid))
			(void)wait_recoupled(pid, tid, controller);
	if (!injector || any_active(pid))
		return;
	tids.push_back(injector);
	(void)remove_resident(pid, tids, controller);
}

static Result<Injection> inject_by_tracer(pid_t pid, pid_t tid, std::optional<Stopped> held, InjectionPlan plan,
					  const Config &config)
{
	auto stopped = held ? std::move(*held) : TRY(Stopped::stop(tid));
	return inject(pid, tid, std::move(stopped), std::move(plan), config);
}

static Result<AttachReport> attach_with(pid_t pid, const AttachOptions &o, std::optional<Stopped> held)
{
	long begin = monotonic_ns();
	auto begin_tsc = __rdtsc();
	prctl(PR_SET_TIMERSLACK, 1000); /* short naps between polls: neither the target's core nor its time is ours to burn */
	auto step = [&](const std::string &what) {
		if (o.progress)
			o.progress(what);
	};
	TRY(check_kvm());
	auto lock = TRY(ProcessLock::take(pid));
	bool was_held = held.has_value();
	if (!was_held)
		TRY(check_target(pid));
	auto existing = Controller::open(pid);
	pid_t manager = existing ? existing->manager() : 0;
	std::vector<pid_t> tids = was_held ? std::vector<pid_t>{pid} : TRY(select_threads(pid, o, manager));
	AttachReport report;
	report.pid = pid;

	if (existing) {
		for (pid_t tid : tids)
			if (auto s = existing->session(tid); s && is_active(s->second) && s->second.captures)
				return fail(EALREADY, "thread " + std::to_string(tid) +
							      " is decoupled already (decouple status " + std::to_string(pid) +
							      ")");
	} else if (existing.error().code != ENOENT) {
		return std::unexpected(existing.error());
	}
	bool by_module = existing ? existing->by_module() : o.reflector != Reflector::signal && Module::available();
	if (!existing && o.reflector == Reflector::module)
		TRY(Module::available());
	auto cores = TRY(choose_cores({o.cores, o.service_cores, static_cast<unsigned>(tids.size()),
				       by_module ? Reflector::module : Reflector::signal, pid, o.follow}));
	report.note = cores.note;
	OffCore off_core(last_core(pid, tids[0])); /* behind the choice, which looks at our own binding */
	Config config = config_for(o, cores);
	if (!by_module)
		TRY(check_reserved_signal(pid));
	std::optional<Controller> controller;
	if (existing) {
		controller = *existing;
		if (by_module) {
			auto module = TRY(Module::bind(pid));
			TRY(module.use_cores(cores.dedicated));
		}
	} else {
		step("injecting the resident");
		if (was_held) {
			config.hold = 1;
			config.hold_core = static_cast<uint32_t>(cores.dedicated[0]);
			config.hold_service_core = static_cast<uint32_t>(cores.service[0]);
		}
		auto plan = TRY(plan_injection(pid, tids[0], by_module));
		auto injected = TRY(by_module ? inject_by_module(pid, tids[0], std::move(held), std::move(plan), config)
					      : inject_by_tracer(pid, tids[0], std::move(held), std::move(plan), config));
		step("building the VM");
		auto ready = Controller::wait_ready(pid, injected.control);
		if (!ready) {
			if (!was_held || o.or_natively)
				undo_injection(pid, tids[0], injected);
			return std::unexpected(ready.error());
		}
		controller = *ready;
		double ns_per_tick = static_cast<double>(monotonic_ns() - begin) / static_cast<double>(__rdtsc() - begin_tsc);
		report.stopped_ns += static_cast<long>(static_cast<double>(injected.stopped_ticks) * ns_per_tick);
	}
	std::vector<pid_t> begun; /* threads with a session */
	if (was_held)
		begun = tids;
	auto take_threads = [&]() -> Result<> {
		for (size_t i = 0; i < tids.size(); i++) {
			pid_t tid = tids[i];
			if (!was_held) {
				auto stopped_ns = take_thread(pid, tid, cores.dedicated[i % cores.dedicated.size()],
							      cores.service[i % cores.service.size()], *controller, begun);
				if (!stopped_ns && o.all && !alive(pid, tid))
					continue;
				if (!stopped_ns)
					return std::unexpected(stopped_ns.error());
				if (i == 0)
					report.stopped_ns += *stopped_ns;
			}
			TRY(wait_running(*controller, pid, tid));
			report.tids.push_back(tid);
			if (tids.size() > 1)
				step("thread " + std::to_string(tid) + " decoupled (" + std::to_string(i + 1) + " of " +
				     std::to_string(tids.size()) + ")");
		}
		return {};
	};
	if (auto taken = take_threads(); !taken) {
		if (!was_held || o.or_natively)
			undo_sessions(pid, begun, existing ? 0 : tids[0], *controller);
		return std::unexpected(taken.error());
	}
	report.total_ns = monotonic_ns() - begin;
	return report;
}

static bool any_alive(pid_t pid)
{
	auto tids = threads_of(pid);
	return std::any_of(tids.begin(), tids.end(), [&](pid_t tid) { return alive(pid, tid); });
}

/* Its threads end one after the other. */
static bool is_ending(pid_t pid)
{
	constexpr int patience_ms = 100;
	for (int i = 0; i < patience_ms && any_alive(pid); i++)
		nap(1'000'000);
	return !any_alive(pid);
}

Result<AttachReport> attach(pid_t pid, const AttachOptions &options)
{
	bool lived = any_alive(pid);
	uint64_t stack = program_stack(pid);
	auto attached = attach_with(pid, options, std::nullopt);
	/* Each step meets these as an error of its own. */
	constexpr int signs[] = {ESRCH, EFAULT, EIO, EINVAL, EPERM, ENOENT};
	if (attached || !lived || !std::ranges::count(signs, attached.error().code))
		return attached;
	if (!is_ending(pid) && program_stack(pid) == stack)
		return attached;
	return fail(ESRCH, "process " + std::to_string(pid) +
				   (any_alive(pid) ? " executed another program while it was being decoupled: try again"
						   : " ended while it was being decoupled"));
}

Result<AttachReport> attach_stopped(pid_t pid, const AttachOptions &options)
{
	auto attached = attach_with(pid, options, Stopped::adopt(pid));
	if (!attached && options.or_natively)
		Stopped::adopt(pid).detach(); /* in vain if it runs already */
	return attached;
}

Result<std::vector<pid_t>> recouple(pid_t pid, const std::vector<pid_t> &tids)
{
	auto lock = TRY(ProcessLock::take(pid));
	auto controller = TRY(Controller::open(pid));
	auto list = TRY(status(pid));
	std::vector<pid_t> wanted;
	for (pid_t tid : tids)
		if (std::find(wanted.begin(), wanted.end(), tid) == wanted.end())
			wanted.push_back(tid);
	if (wanted.empty())
		for (const ThreadStatus &t : list)
			if (is_active(t.info))
				wanted.push_back(t.tid);
	if (wanted.empty())
		return fail(ENOENT, "process " + std::to_string(pid) + " has no decoupled thread");
	for (pid_t tid : wanted) {
		auto s = TRY(controller.session(tid));
		if (!is_active(s.second))
			return fail(ENOENT, "thread " + std::to_string(tid) + " is not decoupled");
	}
	for (pid_t tid : wanted)
		(void)TRY(controller.command(Command::recouple, tid));
	for (pid_t tid : wanted)
		TRY(wait_recoupled(pid, tid, controller));
	if (!any_active(pid)) {
		std::vector<pid_t> seen;
		for (const ThreadStatus &t : status(pid).value_or(std::vector<ThreadStatus>{}))
			seen.push_back(t.tid);
		TRY(remove_resident(pid, seen, controller));
	}
	return wanted;
}

Result<std::vector<double>> measure_round_trips(pid_t pid, pid_t tid, unsigned count)
{
	auto lock = TRY(ProcessLock::take(pid));
	auto controller = TRY(Controller::open(pid));
	int64_t r = TRY(controller.command(Command::bench_round_trips, tid, 0, 0, count));
	if (r < 0)
		return fail(static_cast<int>(-r),
			    "can't measure thread " + std::to_string(tid) + ": " + strerror(static_cast<int>(-r)));
	Control c;
	do {
		nap(2'000'000);
		c = TRY(controller.read());
	} while (c.sample_count < count && alive(pid, tid));
	std::vector<double> ns;
	for (uint32_t i = 0; i < c.sample_count && i < std::size(c.samples); i++)
		ns.push_back(c.samples[i] / tsc_per_ns());
	return ns;
}

} // namespace decouple
