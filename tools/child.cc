// SPDX-License-Identifier: GPL-2.0-only
// Forking, watching and ending child processes of the bench.

#include "child.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

namespace decouple::bench
{

Result<Child> Child::start(const std::string &what, const std::function<int()> &prepare, const std::function<void()> &run)
{
	int ready[2];
	if (pipe2(ready, O_CLOEXEC))
		return fail_errno("pipe for " + what);
	fflush(nullptr); // or the child could print it a second time
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid < 0) {
		auto error = fail_errno("cannot fork " + what);
		close(ready[0]);
		close(ready[1]);
		return error;
	}
	if (!pid) {
		close(ready[0]);
		// The bench may have died before this call: then nobody would ever end this process.
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
			_exit(1);
		// noexcept: an exception must end the child, not unwind into what the parent goes on with.
		[&]() noexcept {
			int error = prepare();
			if (write(ready[1], &error, sizeof error) != sizeof error || error)
				_exit(1);
			close(ready[1]);
			run();
		}();
		_exit(0);
	}
	Child child(pid);
	close(ready[1]);
	int error = 0;
	ssize_t got;
	do
		got = read(ready[0], &error, sizeof error);
	while (got < 0 && errno == EINTR);
	close(ready[0]);
	if (got != sizeof error) {
		std::string how;
		child.alive(how);
		return fail(ECHILD, what + " ended while it was set up (" + how + ")");
	}
	if (error)
		return fail(error, what + ": " + std::strerror(error));
	return child;
}

bool Child::alive(std::string &how)
{
	int status;
	if (!pid_) {
		how = "not running";
		return false;
	}
	pid_t got = waitpid(pid_, &status, WNOHANG);
	if (!got) {
		how = "still running";
		return true;
	}
	pid_ = 0;
	if (got < 0)
		how = std::strerror(errno);
	else if (WIFSIGNALED(status))
		how = std::string("killed by signal ") + std::to_string(WTERMSIG(status));
	else
		how = "exit status " + std::to_string(WEXITSTATUS(status));
	return false;
}

void Child::kill()
{
	if (!pid_)
		return;
	::kill(pid_, SIGKILL);
	waitpid(pid_, nullptr, 0);
	pid_ = 0;
}

} // namespace decouple::bench
