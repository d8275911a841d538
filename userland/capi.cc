/* SPDX-License-Identifier: GPL-2.0-only */
/* The C API over session.h: checks arguments, keeps exceptions and C++ types in, leaves the calling thread as it was. */
#include <decouple/libdecouple.h>

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "proc.h"
#include "session.h"

namespace decouple
{
namespace
{

constexpr uint32_t options_size_v0 = 48, thread_size_v0 = 112,
		   figure_size_v0 = 56; /* sizes of the first version: no caller has smaller ones */
constexpr uint32_t size_limit = 4096; /* a size above it is garbage */
constexpr uint32_t most_cores = 64, most_spin_us = 1'000'000;
constexpr uint32_t known_flags = DECOUPLE_ATTACH_ALL | DECOUPLE_ATTACH_FOLLOW;
static_assert(sizeof(decouple_attach_options) == options_size_v0 && sizeof(decouple_thread) == thread_size_v0 &&
	      sizeof(decouple_kvm_figure) == figure_size_v0);
static_assert(most_cores == std::size(Config{}.cores) && most_cores == std::size(Config{}.service_cores));

/* The numbers are the resident's own; the last ones show it. */
static_assert(DECOUPLE_STATE_FAILED == int(SessionState::failed) && DECOUPLE_REASON_CORE == int(Reason::core_lost));

/* Plain memory: nothing to destroy when a thread ends or the library is unloaded, and an error for want of memory fits too. */
thread_local char last_error[1024];

int set_error(int code, const char *what)
{
	std::snprintf(last_error, sizeof(last_error), "%s", what);
	return code > 0 ? -code : -EIO;
}

/*
 * What the engine changes of its thread, or must not be disturbed by: its naps are exact, it waits for ptrace-stops that a
 * SIGCHLD handler with waitpid(-1) would take away, and it must not be unwound by a cancellation.
 */
class CallerState
{
public:
	CallerState() : slack_(prctl(PR_GET_TIMERSLACK))
	{
		sigset_t block;
		sigemptyset(&block);
		sigaddset(&block, SIGCHLD);
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_);
		pthread_sigmask(SIG_BLOCK, &block, &mask_);
	}
	CallerState(const CallerState &) = delete;
	~CallerState()
	{
		prctl(PR_SET_TIMERSLACK, slack_);
		pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
		pthread_setcancelstate(cancel_, nullptr);
	}

private:
	int cancel_ = 0;
	long slack_;
	sigset_t mask_;
};

/* Runs a Result<int> and turns every way to fail into a return value. */
template <class Operation> int guarded(Operation operation) noexcept
{
	CallerState kept;
	try {
		Result<int> r = operation();
		return r ? *r : set_error(r.error().code, r.error().what.c_str());
	} catch (const std::bad_alloc &) {
		return set_error(ENOMEM, "out of memory");
	} catch (const std::exception &e) {
		return set_error(EIO, e.what());
	}
}

Result<> check_pid(int pid)
{
	return pid > 0 ? Result<>() : fail(EINVAL, "process id " + std::to_string(pid) + ": must be positive");
}

Result<std::vector<int>> list(const int *values, uint32_t count, uint32_t most, const char *what)
{
	if (count > most)
		return fail(EINVAL, std::to_string(count) + " elements of " + what + ": at most " + std::to_string(most));
	if (count && !values)
		return fail(EINVAL, std::string(what) + " is NULL, but its count is " + std::to_string(count));
	return std::vector<int>(values, values + count);
}

Result<std::vector<int>> thread_list(const int *tids, uint32_t count)
{
	auto own = TRY(list(tids, count, max_sessions, "tids"));
	auto sorted = own;
	std::ranges::sort(sorted);
	if (auto twice = std::ranges::adjacent_find(sorted); twice != sorted.end())
		return fail(EINVAL, "tids names thread " + std::to_string(*twice) + " twice");
	return own;
}

/* A caller that is newer than we are may use no field that we don't know. */
Result<> check_size(const decouple_attach_options &o)
{
	if (o.size < options_size_v0 || o.size > size_limit)
		return fail(EINVAL, "decouple_attach_options::size is " + std::to_string(o.size) +
					    ": must be sizeof(struct decouple_attach_options)");
	auto bytes = reinterpret_cast<const char *>(&o);
	if (std::any_of(bytes + sizeof(o), bytes + o.size, [](char c) { return c != 0; }))
		return fail(E2BIG, "an option that libdecouple " DECOUPLE_VERSION " doesn't know: use a newer library");
	return {};
}

Result<AttachOptions> attach_options(const decouple_attach_options &o)
{
	TRY(check_size(o));
	if (o.flags & ~known_flags)
		return fail(EINVAL,
			    "unknown bits in decouple_attach_options::flags: " + std::to_string(o.flags & ~known_flags));
	if (o.home_spin_us > most_spin_us)
		return fail(EINVAL,
			    "home_spin_us is " + std::to_string(o.home_spin_us) + ": at most " + std::to_string(most_spin_us));
	AttachOptions options;
	options.all = o.flags & DECOUPLE_ATTACH_ALL;
	options.follow = o.flags & DECOUPLE_ATTACH_FOLLOW;
	options.tids = TRY(thread_list(o.tids, o.tid_count));
	options.cores = TRY(list(o.cores, o.core_count, most_cores, "cores"));
	options.service_cores = TRY(list(o.service_cores, o.service_core_count, most_cores, "service_cores"));
	if (options.all && !options.tids.empty())
		return fail(EINVAL, "DECOUPLE_ATTACH_ALL together with tids: use one of them");
	if (o.home_spin_us)
		options.home_spin_us = o.home_spin_us;
	return options;
}

decouple_thread to_c(const ThreadStatus &t)
{
	const SessionInfo &i = t.info;
	return {t.pid,       t.tid,     int(i.core), int(i.service_core), uint32_t(i.state), uint32_t(i.reason),
		i.detail,    i.error,   0,           i.syscalls,          i.exits,           i.captures,
		i.recouples, i.signals, i.faults,    i.page_exits,        i.doorbells,       i.clones};
}

/* The C types of what was found, `size` bytes apart; returns their number. */
template <class C, class From, class Convert>
Result<int> array_of(const std::vector<From> &found, uint32_t size, C **to, Convert convert)
{
	if (found.empty())
		return 0;
	char *array = static_cast<char *>(std::calloc(found.size(), size));
	if (!array)
		return fail(ENOMEM, "no memory for " + std::to_string(found.size()) + " elements");
	for (size_t i = 0; i < found.size(); i++) {
		C c = convert(found[i]);
		std::memcpy(array + i * size, &c, sizeof(c));
	}
	*to = reinterpret_cast<C *>(array);
	return static_cast<int>(found.size());
}

Result<> check_element(const char *function, const char *type, uint32_t size, uint32_t least)
{
	if (size < least || size > size_limit)
		return fail(EINVAL, std::string(function) + ": size is " + std::to_string(size) + ": must be sizeof(struct " +
					    type + ")");
	return {};
}

Result<int> status_to(int pid, decouple_thread **threads, uint32_t size)
{
	if (pid)
		TRY(check_pid(pid));
	TRY(check_element("decouple_status", "decouple_thread", size, thread_size_v0));
	auto found = pid ? TRY(status(pid)) : status_all();
	std::erase_if(found, [](const ThreadStatus &t) { return t.info.state == SessionState::none; });
	return array_of(found, size, threads, to_c);
}

decouple_kvm_figure figure_to_c(const KvmFigure &f)
{
	decouple_kvm_figure c = {};
	f.name.copy(c.name, sizeof(c.name) - 1);
	c.value = f.value;
	return c;
}

Result<int> kvm_figures_to(int pid, int tid, decouple_kvm_figure **figures, uint32_t size)
{
	TRY(check_pid(pid));
	if (tid <= 0)
		return fail(EINVAL, "thread id " + std::to_string(tid) + ": must be positive");
	TRY(check_element("decouple_kvm_figures", "decouple_kvm_figure", size, figure_size_v0));
	for (const ThreadStatus &t : TRY(status(pid, Figures::kvm)))
		if (t.tid == tid && t.info.state != SessionState::none)
			return array_of(t.kvm, size, figures, figure_to_c);
	return fail(ENOENT, "thread " + std::to_string(tid) + " of process " + std::to_string(pid) + " is not decoupled");
}

} // namespace
} // namespace decouple

using namespace decouple;

int decouple_probe(int pid)
{
	return guarded([&]() -> Result<int> {
		if (pid)
			TRY(check_pid(pid));
		TRY(check_kvm());
		if (pid)
			TRY(check_target(pid));
		return 0;
	});
}

int decouple_attach(int pid, const struct decouple_attach_options *options)
{
	return guarded([&]() -> Result<int> {
		TRY(check_pid(pid));
		AttachOptions o;
		if (options)
			o = TRY(attach_options(*options));
		auto report = TRY(attach(pid, o));
		return static_cast<int>(report.tids.size());
	});
}

int decouple_recouple(int pid, const int *tids, unsigned int count)
{
	return guarded([&]() -> Result<int> {
		TRY(check_pid(pid));
		auto wanted = TRY(thread_list(tids, count));
		return static_cast<int>(TRY(recouple(pid, wanted)).size());
	});
}

int decouple_status(int pid, struct decouple_thread **threads, unsigned int size)
{
	if (!threads)
		return set_error(EINVAL, "decouple_status: threads is NULL");
	*threads = nullptr;
	return guarded([&] { return status_to(pid, threads, size); });
}

void decouple_status_free(struct decouple_thread *threads)
{
	std::free(threads);
}

int decouple_kvm_figures(int pid, int tid, struct decouple_kvm_figure **figures, unsigned int size)
{
	if (!figures)
		return set_error(EINVAL, "decouple_kvm_figures: figures is NULL");
	*figures = nullptr;
	return guarded([&] { return kvm_figures_to(pid, tid, figures, size); });
}

void decouple_kvm_figures_free(struct decouple_kvm_figure *figures)
{
	std::free(figures);
}

const char *decouple_state_name(unsigned int state)
{
	return state_name(static_cast<SessionState>(state));
}

const char *decouple_reason_text(unsigned int reason)
{
	return reason_text(static_cast<Reason>(reason));
}

const char *decouple_error(void)
{
	return last_error;
}

const char *decouple_version(void)
{
	return DECOUPLE_VERSION;
}
