/* SPDX-License-Identifier: GPL-2.0-only */
/* Starting, holding and waiting for the program of `decouple run`. */
#include "cli/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"

namespace decouple::cli
{
namespace
{

constexpr int passed_on[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH};

/* 0: none, or already waited for: its pid may belong to somebody else by now. */
volatile pid_t receiver;

/*
 * Only signals that a process sent: the terminal and the kernel signal the whole foreground group, and the child would see those
 * twice.
 */
void pass_on(int signal, siginfo_t *info, void *)
{
	const int saved_errno = errno;
	if (receiver && info->si_code <= 0 && info->si_pid != receiver)
		kill(receiver, signal);
	errno = saved_errno;
}

void pass_signals_on()
{
	struct sigaction action = {};
	action.sa_sigaction = pass_on;
	action.sa_flags = SA_SIGINFO | SA_RESTART;
	sigfillset(&action.sa_mask);
	for (int signal : passed_on)
		sigaction(signal, &action, nullptr);
}

sigset_t passed_on_set()
{
	sigset_t set;
	sigemptyset(&set);
	for (int signal : passed_on)
		sigaddset(&set, signal);
	return set;
}

/* A pipe whose ends close at exec and at the end of their scope. */
struct Pipe {
	int fd[2] = {-1, -1};
	Pipe() { valid = !pipe2(fd, O_CLOEXEC); }
	~Pipe()
	{
		close_end(0);
		close_end(1);
	}
	Pipe(const Pipe &) = delete;
	void close_end(int end)
	{
		if (fd[end] >= 0)
			close(fd[end]);
		fd[end] = -1;
	}
	bool valid;
};

/* Between fork and execve: waits for the tracer, then becomes the program. The errno of a failed execve goes to the parent. */
[[noreturn]] void become(const std::vector<std::string> &program, Pipe &go, Pipe &error, const sigset_t &mask)
{
	std::vector<char *> argv;
	for (const std::string &word : program)
		argv.push_back(const_cast<char *>(word.c_str()));
	argv.push_back(nullptr);
	char byte;
	go.close_end(1);
	if (read(go.fd[0], &byte, 1) != 1)
		_exit(exit_failed); /* the parent gave up */
	sigprocmask(SIG_SETMASK, &mask, nullptr);
	execvp(argv[0], argv.data());
	const int code = errno;
	if (write(error.fd[1], &code, sizeof(code)) != sizeof(code))
		_exit(126);
	_exit(code == ENOENT ? 127 : 126); /* as env(1) */
}

} // namespace

Result<Child> Child::start(const std::vector<std::string> &program)
{
	Pipe go, error;
	if (!go.valid || !error.valid)
		return fail_errno("cannot make a pipe");
	/* Nothing may arrive between the fork and the handlers: it would end us and leave the child behind. */
	const sigset_t blocked = passed_on_set();
	sigset_t mask;
	sigprocmask(SIG_BLOCK, &blocked, &mask);
	const pid_t pid = fork();
	if (pid < 0) {
		auto failure = fail_errno("cannot fork");
		sigprocmask(SIG_SETMASK, &mask, nullptr);
		return failure;
	}
	if (!pid)
		become(program, go, error, mask);
	Child child(pid);
	receiver = pid;
	pass_signals_on();
	sigprocmask(SIG_SETMASK, &mask, nullptr);
	error.close_end(1);
	if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACEEXEC)) {
		auto failure = fail_errno("cannot trace " + program[0] +
					  " (ptrace must be permitted here: see seccomp filters and "
					  "kernel.yama.ptrace_scope)");
		child.kill_now();
		return failure;
	}
	if (write(go.fd[1], "", 1) != 1) {
		auto failure = fail_errno("cannot start " + program[0]);
		child.kill_now();
		return failure;
	}
	auto held = child.wait_for_exec(error.fd[0], program[0]);
	if (!held) {
		child.kill_now();
		return std::unexpected(held.error());
	}
	return child;
}

Result<> Child::wait_for_exec(int error_fd, const std::string &program)
{
	for (;;) {
		int status;
		if (waitpid(pid_, &status, __WALL) < 0) {
			if (errno == EINTR)
				continue;
			return fail_errno("cannot wait for " + program);
		}
		if (!WIFSTOPPED(status)) {
			end(status);
			int code;
			if (read(error_fd, &code, sizeof(code)) == sizeof(code))
				warn("cannot execute " + program + ": " + std::strerror(code));
			return {};
		}
		const int signal = WSTOPSIG(status), event = status >> 16;
		if (event == PTRACE_EVENT_EXEC)
			return {};
		/* A stop signal's group stop is left as it is until SIGCONT; other signals are delivered. */
		if (event == PTRACE_EVENT_STOP && signal != SIGTRAP)
			ptrace(PTRACE_LISTEN, pid_, 0, 0);
		else
			ptrace(PTRACE_CONT, pid_, 0, event ? 0 : signal);
	}
}

void Child::end(int status)
{
	receiver = 0;
	ended_ = true;
	exit_status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void Child::release()
{
	ptrace(PTRACE_DETACH, pid_, 0, 0); /* ESRCH: it runs already */
}

void Child::kill_now()
{
	if (ended_)
		return;
	kill(pid_, SIGKILL);
	wait();
}

int Child::wait()
{
	while (!ended_) {
		int status;
		if (waitpid(pid_, &status, __WALL) < 0) {
			if (errno != EINTR)
				break;
		} else if (!WIFSTOPPED(status)) {
			end(status);
		}
	}
	return exit_status_;
}

} // namespace decouple::cli
