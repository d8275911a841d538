// SPDX-License-Identifier: GPL-2.0-only
// Spawning /proc/self/exe.

#include "own_command.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace decouple::noise
{

namespace
{

struct Pipe {
	int ends[2] = {-1, -1};
	~Pipe()
	{
		for (int end : ends)
			if (end >= 0)
				close(end);
	}
	void close_writer() { close(std::exchange(ends[1], -1)); }
};

// Reads both to their end, whichever has something: neither may fill up while the other is waited for.
void drain(Pipe pipes[2], std::string *texts[2])
{
	pollfd polled[2] = {{pipes[0].ends[0], POLLIN, 0}, {pipes[1].ends[0], POLLIN, 0}};
	while (polled[0].fd >= 0 || polled[1].fd >= 0) {
		if (poll(polled, 2, -1) < 0 && errno != EINTR)
			return;
		for (int i = 0; i < 2; i++) {
			char data[4096];
			if (polled[i].fd < 0 || !polled[i].revents)
				continue;
			ssize_t got = read(polled[i].fd, data, sizeof data);
			if (got > 0)
				texts[i]->append(data, size_t(got));
			else if (!got || errno != EINTR)
				polled[i].fd = -1;
		}
	}
}

} // namespace

Result<CommandResult> run_own(const std::vector<std::string> &arguments)
{
	CommandResult result = {};
	Pipe pipes[2];
	std::string name = "decouple";
	std::vector<char *> argv = {name.data()};
	for (const std::string &argument : arguments) {
		argv.push_back(const_cast<char *>(argument.c_str())); // posix_spawn() doesn't write to them
		name += " " + argument;
	}
	argv[0] = const_cast<char *>("decouple");
	argv.push_back(nullptr);
	for (Pipe &pipe : pipes)
		if (pipe2(pipe.ends, O_CLOEXEC))
			return fail_errno("pipe for " + name);

	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, pipes[0].ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, pipes[1].ends[1], STDERR_FILENO);
	posix_spawnattr_t attributes;
	posix_spawnattr_init(&attributes);
	sigset_t none;
	sigemptyset(&none);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	pid_t pid = 0;
	int error = posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, argv.data(), environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	if (error)
		return fail(error, "cannot run " + name + ": " + std::strerror(error));

	for (Pipe &pipe : pipes)
		pipe.close_writer();
	std::string *texts[2] = {&result.output, &result.message};
	drain(pipes, texts);
	int status = 0;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return fail_errno("waiting for " + name);
	result.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return result;
}

} // namespace decouple::noise
