/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * --follow across execve: a process of ours that decouples programs which followed processes execute.
 *
 * execve destroys the resident with the old memory, so somebody outside must put it into the new one. Before the home thread
 * executes an execve it sends a datagram to the follower's abstract socket (vmm-lite/follow.cc) and waits for an answer, which it
 * gets when its process is traced. The follower attaches at the exec stop. Should the answer come too late, it finds the
 * process in its new program already, and attaches there. Processes are known by the credentials that the kernel adds to the
 * datagram, not by its content.
 *
 * The follower ends when for some seconds no process has had a resident that names its socket.
 */
#ifndef DECOUPLE_CLI_FOLLOWER_H
#define DECOUPLE_CLI_FOLLOWER_H

#include <memory>

#include "session.h"

namespace decouple::cli
{

class Follower
{
public:
	/* Where the follower's own complaints go: a background process must not write into somebody's terminal. */
	enum class Messages { to_stderr, to_syslog };

	/* Forks it. Call before any thread is made. */
	static Result<std::unique_ptr<Follower>> start(const AttachOptions &options, Messages messages);

	/* Lets the follower end when it is not needed any more; until then it waits for the first attach. */
	~Follower();
	Follower(const Follower &) = delete;

	const std::string &socket_name() const { return socket_name_; }
	/* Ends it at once: the attach failed. */
	void stop();

private:
	Follower(pid_t pid, int hold_fd, std::string name) : pid_(pid), hold_fd_(hold_fd), socket_name_(std::move(name)) {}

	pid_t pid_;
	int hold_fd_; /* write end of a pipe: the follower does not end while it is open */
	std::string socket_name_;
};

} // namespace decouple::cli

#endif
