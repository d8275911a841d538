/* SPDX-License-Identifier: GPL-2.0-only */
/* The ptrace side of --follow. */
#include "cli/exec_watch.h"

#include <dirent.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <string>
#include <vector>

#include "session.h"

namespace decouple::cli
{
namespace
{

/* An execve that fails leaves no trace, so it is assumed after this time. Opening a file on a slow server may take that long. */
constexpr auto patience = std::chrono::seconds(2);

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

Result<> ExecWatch::expect(pid_t pid)
{
	Watched &watched = watched_[pid];
	watched.deadline = Clock::now() + patience;
	/* Which thread executes is not known; the exec stop appears only where that one is traced. */
	for (pid_t tid : threads_of(pid)) {
		if (watched.tids.count(tid))
			continue;
		if (!ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACEEXEC)) {
			watched.tids.insert(tid);
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
	const int signal = WSTOPSIG(status), event = status >> 16;
	auto process = watched_.find(tid);
	bool executed = event == PTRACE_EVENT_EXEC;
	if (!executed && process != watched_.end() && event == PTRACE_EVENT_STOP && signal == SIGTRAP) {
		auto control = read_control(tid);
		executed = !control && control.error().code == ENOENT;
	}
	if (executed) {
		/* Its other threads are gone, and the one that executed is the leader now. */
		if (process != watched_.end())
			watched_.erase(process);
		handler_(tid);
		return;
	}
	if (event == PTRACE_EVENT_STOP && signal != SIGTRAP)
		ptrace(PTRACE_LISTEN, tid, 0, 0);
	else
		ptrace(PTRACE_CONT, tid, 0, event ? 0 : signal);
}

void ExecWatch::expire()
{
	const auto now = Clock::now();
	for (auto process = watched_.begin(); process != watched_.end();) {
		if (process->second.deadline > now) {
			++process;
			continue;
		}
		const std::set<pid_t> tids = std::move(process->second.tids);
		process = watched_.erase(process);
		for (pid_t tid : tids)
			let_go(tid);
	}
}

/* A thread can be detached in a stop only. The stop that comes may be a signal's: then that signal is delivered. */
void ExecWatch::let_go(pid_t tid)
{
	int status;
	if (ptrace(PTRACE_INTERRUPT, tid, 0, 0) || waitpid(tid, &status, __WALL) != tid || !WIFSTOPPED(status))
		return;
	const int event = status >> 16;
	if (event == PTRACE_EVENT_EXEC)
		handler_(tid);
	else
		ptrace(PTRACE_DETACH, tid, 0, event ? 0 : WSTOPSIG(status));
}

void ExecWatch::drop(pid_t tid)
{
	for (auto process = watched_.begin(); process != watched_.end(); ++process) {
		process->second.tids.erase(tid);
		if (process->second.tids.empty()) {
			watched_.erase(process);
			return;
		}
	}
}

} // namespace decouple::cli
