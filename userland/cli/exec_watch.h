/* SPDX-License-Identifier: GPL-2.0-only */
/* Catches processes at the stop behind a successful execve; traces them no longer than that takes. */
#ifndef DECOUPLE_CLI_EXEC_WATCH_H
#define DECOUPLE_CLI_EXEC_WATCH_H

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <set>

#include "base/result.h"

namespace decouple::cli
{

class ExecWatch
{
public:
	using Clock = std::chrono::steady_clock;
	/* Called with a process in ptrace-stop at the start of its new program; consumes the stop. */
	using Handler = std::function<void(pid_t)>;

	explicit ExecWatch(Handler handler) : handler_(std::move(handler)) {}

	/* `pid` is about to execute, or has just done so; or it is a child that may do so later. */
	Result<> expect(pid_t pid, bool later);
	/* Handles all stops there are now. */
	void handle_stops();
	/* Lets processes go whose execve did not happen. */
	void expire();
	bool empty() const { return watched_.empty() && leaving_.empty(); }

private:
	struct Watched {
		Clock::time_point deadline;
		std::set<pid_t> tids;
	};

	void handle_stop(pid_t tid, int status);
	void resume(pid_t tid, int signal);
	void drop(pid_t tid);

	Handler handler_;
	std::map<pid_t, Watched> watched_; /* by process */
	std::set<pid_t> judged_; /* threads of which each system call is looked at, for an execve that must not be traced */
	std::set<pid_t> leaving_; /* threads to be detached at their next stop, in which alone that is possible */
};

} // namespace decouple::cli

#endif
