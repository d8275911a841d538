/* SPDX-License-Identifier: GPL-2.0-only */
/* The follower's life: its socket, its loop, its end. */
#include "cli/follower.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <cstdio>
#include <set>

#include "cli/command.h"
#include "cli/exec_watch.h"

namespace decouple::cli
{
namespace
{

constexpr int look_every_ms = 1000;
constexpr int looks_until_end = 5; /* an exec'ed process has no resident for a moment: don't end at the first look */

class Loop
{
public:
	Loop(int socket, int hold, AttachOptions options, Follower::Messages messages)
	    : socket_(socket), hold_(hold), options_(std::move(options)), messages_(messages),
	      watch_([this](pid_t pid) { attach_new_program(pid); })
	{
		/* Thread ids name threads of the old program. */
		options_.tids.clear();
		sched_getaffinity(0, sizeof(bound_), &bound_);
		options_.progress = {};
		options_.or_natively = true;
	}

	void run()
	{
		sigset_t set;
		sigemptyset(&set);
		sigaddset(&set, SIGCHLD);
		sigprocmask(SIG_BLOCK, &set, nullptr);
		const int stops = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
		int unused = 0;
		auto next_look = ExecWatch::Clock::now();
		while (unused < looks_until_end) {
			pollfd fds[] = {{socket_, POLLIN, 0}, {stops, POLLIN, 0}};
			poll(fds, 2, watch_.empty() ? look_every_ms : 100);
			if (fds[0].revents)
				receive();
			if (fds[1].revents) {
				signalfd_siginfo ignored;
				while (read(stops, &ignored, sizeof(ignored)) > 0)
					;
			}
			watch_.handle_stops();
			watch_.expire();
			if (ExecWatch::Clock::now() < next_look)
				continue;
			next_look = ExecWatch::Clock::now() + std::chrono::milliseconds(look_every_ms);
			unused = needed() ? 0 : unused + 1;
		}
	}

private:
	void complain(const std::string &what)
	{
		if (messages_ == Follower::Messages::to_stderr)
			warn("--follow: " + what);
		else
			syslog(LOG_DAEMON | LOG_WARNING, "--follow: %s", what.c_str());
	}

	void receive()
	{
		FollowNews news = FollowNews::executes;
		sockaddr_un from;
		alignas(cmsghdr) char ancillary[CMSG_SPACE(sizeof(ucred))];
		iovec vector = {&news, sizeof(news)};
		msghdr message = {};
		message.msg_name = &from;
		message.msg_namelen = sizeof(from);
		message.msg_iov = &vector;
		message.msg_iovlen = 1;
		message.msg_control = ancillary;
		message.msg_controllen = sizeof(ancillary);
		if (recvmsg(socket_, &message, MSG_DONTWAIT) < 0)
			return;
		for (cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
			if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_CREDENTIALS)
				continue;
			ucred sender;
			std::memcpy(&sender, CMSG_DATA(header), sizeof(sender));
			if (!trusted(sender))
				continue;
			if (auto watched = watch_.expect(sender.pid, news == FollowNews::child); !watched)
				complain(watched.error().what);
			/* After a failure too: the home thread need not wait for a follower that does nothing. */
			sendto(socket_, &news, 1, MSG_DONTWAIT, reinterpret_cast<sockaddr *>(&from), message.msg_namelen);
		}
	}

	bool is_ours(pid_t pid)
	{
		auto control = read_control(pid);
		return control && options_.follow_socket == control->config.follow_socket;
	}

	/*
	 * Anyone may write to an abstract socket. The sender's resident may have gone with its execve already, so users are
	 * compared: whoever we follow could trace his other processes himself.
	 */
	bool trusted(const ucred &sender) { return sender.uid == geteuid() || users_.count(sender.uid) || is_ours(sender.pid); }

	bool needed()
	{
		followed_.clear();
		cpu_set_t others = bound_;
		for (const ThreadStatus &thread : status_all()) {
			if (thread.info.core < CPU_SETSIZE)
				CPU_CLR(thread.info.core, &others);
			if (!followed_.count(thread.pid) && is_ours(thread.pid))
				add(thread.pid);
		}
		/* This look itself must not disturb a dedicated core. In vain where there is no other. */
		sched_setaffinity(0, sizeof(others), CPU_COUNT(&others) ? &others : &bound_);
		pollfd hold = {hold_, POLLIN, 0};
		return !followed_.empty() || !watch_.empty() || !poll(&hold, 1, 0);
	}

	void add(pid_t pid)
	{
		followed_.insert(pid);
		struct stat process;
		if (!stat(("/proc/" + std::to_string(pid)).c_str(), &process))
			users_.insert(process.st_uid);
	}

	void attach_new_program(pid_t pid)
	{
		sched_setaffinity(0, sizeof(bound_), &bound_); /* which the choice of cores looks at; until the next look */
		auto attached = attach_stopped(pid, options_);
		if (attached)
			return add(pid);
		complain("process " + std::to_string(pid) + " runs its new program natively: " + attached.error().what);
	}

	int socket_;
	int hold_; /* read end: readable (hung up) once the controller let us go */
	AttachOptions options_;
	cpu_set_t bound_; /* what we came with */
	Follower::Messages messages_;
	ExecWatch watch_;
	std::set<pid_t> followed_; /* at the last look */
	std::set<uid_t> users_; /* theirs */
};

/* Leaves the controller's session, so that ^C and a closed terminal do not end it. */
void leave_terminal(Follower::Messages messages)
{
	setsid();
	prctl(PR_SET_NAME, "decouple-follow");
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	dup2(null, 0);
	dup2(null, 1);
	if (messages == Follower::Messages::to_syslog)
		dup2(null, 2);
	openlog("decouple", LOG_PID, LOG_DAEMON);
}

Result<int> open_socket(const std::string &name)
{
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	sockaddr_un address = {};
	address.sun_family = AF_UNIX;
	name.copy(address.sun_path + 1, sizeof(address.sun_path) - 1);
	const socklen_t length = socklen_t(offsetof(sockaddr_un, sun_path) + 1 + name.size());
	const int on = 1;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) ||
	    bind(fd, reinterpret_cast<sockaddr *>(&address), length)) {
		auto failure = fail_errno("--follow: cannot open the follower's socket");
		if (fd >= 0)
			close(fd);
		return failure;
	}
	return fd;
}

} // namespace

Result<std::unique_ptr<Follower>> Follower::start(const AttachOptions &options, Messages messages)
{
	unsigned long random;
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return fail_errno("--follow: no random number");
	char name[sizeof(Config::follow_socket)];
	std::snprintf(name, sizeof(name), "decouple-follow-%d-%016lx", getpid(), random);
	const int socket = TRY(open_socket(name));
	int hold[2];
	if (pipe2(hold, O_CLOEXEC)) {
		auto failure = fail_errno("--follow: cannot make a pipe");
		close(socket);
		return failure;
	}
	const pid_t pid = fork();
	if (pid < 0) {
		auto failure = fail_errno("--follow: cannot fork");
		close(socket);
		close(hold[0]);
		close(hold[1]);
		return failure;
	}
	if (!pid) {
		close(hold[1]);
		AttachOptions own = options;
		own.follow_socket = name;
		leave_terminal(messages);
		Loop(socket, hold[0], std::move(own), messages).run();
		_exit(exit_ok);
	}
	close(socket);
	close(hold[0]);
	return std::unique_ptr<Follower>(new Follower(pid, hold[1], name));
}

Follower::~Follower()
{
	close(hold_fd_);
}

void Follower::stop()
{
	kill(pid_, SIGTERM);
	waitpid(pid_, nullptr, 0);
}

} // namespace decouple::cli
