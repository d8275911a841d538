/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The program that `decouple run` starts: held by ptrace at its first instruction, then let go and waited for.
 *
 * The child shares the caller's process group and terminal, so keys (^C, ^\, ^Z) reach it without help. Signals that another
 * process sends to the caller are passed on.
 */
#ifndef DECOUPLE_CLI_CHILD_H
#define DECOUPLE_CLI_CHILD_H

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace decouple::cli
{

class Child
{
public:
	/*
	 * Returns when the program is in ptrace-stop behind its execve, or has ended before that (ended()). Errors concern the
	 * tracing; the program is gone then. At most one Child per process.
	 */
	static Result<Child> start(const std::vector<std::string> &program);

	pid_t pid() const { return pid_; }

	/* The program never ran: it could not be executed, or a signal killed it. exit_status() says which. */
	bool ended() const { return ended_; }
	int exit_status() const { return exit_status_; }

	/* Lets it run natively from the stop. */
	void release();
	/* Ends it where it stands. */
	void kill_now();
	/* Waits for its end and returns its status as a shell does: 128 + N for a signal. */
	int wait();

private:
	explicit Child(pid_t pid) : pid_(pid) {}
	Result<> wait_for_exec(int error_fd, const std::string &program);
	void end(int wait_status);

	pid_t pid_;
	bool ended_ = false;
	int exit_status_ = 0;
};

} // namespace decouple::cli

#endif
