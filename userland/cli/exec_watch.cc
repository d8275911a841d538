/* SPDX-License-Identifier: GPL-2.0-only */
/* The ptrace side of --follow. */
#include "cli/exec_watch.h"

#include <dirent.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <string>
#include <vector>

#include "cli/exec_rights.h"
#include "session.h"

namespace decouple::cli
{
namespace
{

/* An execve that fails leaves no trace, so it is assumed after this time. Opening a file on a slow server may take that long. */
constexpr auto patience = std::chrono::seconds(2);
/* A child that shares its parent's memory, which mostly waits for it, looks for its program, redirects files and the like before. */
constexpr auto patience_child = std::chrono::seconds(10);

std::vector<pid_t> threads_of(pid_t pid)
{
	std::vector<pid_t> tids;
	DIR *dir = opendir(("/proc/" + std::to_string(pid) + "/task").c_str());
	if (!dir)
		return tids;
	while (const dirent *entry = readdir(dir))
		if (entry->d_name[0] != '.')
			tids.push_back(std::stoi(entry->d_name));
	closedir(dir);
	return tids;
}

} // namespace

Result<> ExecWatch::expect(pid_t pid, bool later)
{
	Watched &watched = watched_[pid];
	const bool judge = later && tracing_costs_rights(); /* who executes at once has been judged by his resident */
	watched.deadline = Clock::now() + (later ? patience_child : patience);
	/* Which thread executes is not known; the exec stop appears only where that one is traced. */
	for (pid_t tid : threads_of(pid)) {
		if (watched.tids.count(tid))
			continue;
		if (leaving_.erase(tid)) { /* its stop is on the way, and will be ended */
			watched.tids.insert(tid);
			continue;
		}
		if (!ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACEEXEC | (judge ? PTRACE_O_TRACESYSGOOD : 0))) {
			watched.tids.insert(tid);
			if (judge && !ptrace(PTRACE_INTERRUPT, tid, 0, 0)) /* from that stop on */
				judged_.insert(tid);
		} else if (errno != ESRCH) {
			auto failure = fail_errno("cannot follow process " + std::to_string(pid) + " over its execve");
			expire();
			return failure;
		}
	}
	if (watched.tids.empty()) {
		watched_.erase(pid);
		return {};
	}
	/* No resident: the execve did not wait for us. Whatever stop comes next is early in the new program. */
	if (auto control = read_control(pid); !control && control.error().code == ENOENT)
		ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	return {};
}

void ExecWatch::handle_stops()
{
	for (;;) {
		int status;
		const pid_t tid = waitpid(-1, &status, WNOHANG | __WALL);
		if (tid <= 0)
			return;
		if (WIFSTOPPED(status))
			handle_stop(tid, status);
		else
			drop(tid);
	}
}

void ExecWatch::handle_stop(pid_t tid, int status)
{
	constexpr int in_call = SIGTRAP | 0x80; /* PTRACE_O_TRACESYSGOOD */
	const int event = status >> 16, stop = WSTOPSIG(status), signal = event || stop == in_call ? 0 : stop;
	auto process = watched_.find(tid);
	bool executed = event == PTRACE_EVENT_EXEC;
	if (!executed && process != watched_.end() && event == PTRACE_EVENT_STOP && stop == SIGTRAP) {
		auto control = read_control(tid);
		executed = !control && control.error().code == ENOENT;
	}
	if (executed) {
		/* Its other threads are gone, and the one that executed is the leader now. */
		if (process != watched_.end())
			watched_.erase(process);
		leaving_.erase(tid);
		judged_.erase(tid);
		handler_(tid);
		return;
	}
	/* The stop that comes may be a signal's: then that signal is delivered. */
	if (leaving_.count(tid) || (stop == in_call && executes_with_rights(tid))) {
		drop(tid);
		ptrace(PTRACE_DETACH, tid, 0, signal);
	} else if (event == PTRACE_EVENT_STOP && stop != SIGTRAP) {
		ptrace(PTRACE_LISTEN, tid, 0, 0);
	} else {
		resume(tid, signal);
	}
}

void ExecWatch::resume(pid_t tid, int signal)
{
	ptrace(judged_.count(tid) ? PTRACE_SYSCALL : PTRACE_CONT, tid, 0, signal);
}

void ExecWatch::expire()
{
	/* The id of a thread that executed is gone without a word. */
	std::erase_if(leaving_, [](pid_t tid) { return ptrace(PTRACE_INTERRUPT, tid, 0, 0) != 0; });
	const auto now = Clock::now();
	for (auto process = watched_.begin(); process != watched_.end();) {
		if (process->second.deadline > now) {
			++process;
			continue;
		}
		const std::set<pid_t> tids = std::move(process->second.tids);
		process = watched_.erase(process);
		for (pid_t tid : tids)
			if (!ptrace(PTRACE_INTERRUPT, tid, 0, 0))
				leaving_.insert(tid);
	}
}

void ExecWatch::drop(pid_t tid)
{
	leaving_.erase(tid);
	judged_.erase(tid);
	for (auto process = watched_.begin(); process != watched_.end(); ++process) {
		process->second.tids.erase(tid);
		if (process->second.tids.empty()) {
			watched_.erase(process);
			return;
		}
	}
}

} // namespace decouple::cli
