// SPDX-License-Identifier: GPL-2.0-only
// `decouple why` as a process of its own, its output in memory.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "causes.h"

namespace decouple::noise
{

namespace
{

constexpr int start_ms = 500, stop_ms = 5000;

std::string text_of(int fd)
{
	std::string all;
	char data[4096];
	for (ssize_t got; (got = pread(fd, data, sizeof data, off_t(all.size()))) > 0;)
		all.append(data, size_t(got));
	return all;
}

} // namespace

Result<WhyReader> WhyReader::start(pid_t pid)
{
	WhyReader reader;
	reader.output_ = memfd_create("decouple-why", MFD_CLOEXEC);
	reader.message_ = memfd_create("decouple-why-message", MFD_CLOEXEC);
	if (reader.output_ < 0 || reader.message_ < 0)
		return fail_errno("memory for the output of decouple why");
	const std::string target = std::to_string(pid);
	const int output = reader.output_, message = reader.message_;
	auto run = [&] {
		int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
		    dup2(message, STDERR_FILENO) < 0)
			_exit(1);
		execl("/proc/self/exe", "decouple", "why", target.c_str(), "--follow", "--json", nullptr);
		_exit(1);
	};
	reader.child_ = TRY(bench::Child::start(
		"decouple why", [] { return 0; }, run));
	// One that can't do it here says so and ends at once.
	std::string how;
	for (int i = 0; i < start_ms / 10; i++) {
		usleep(10'000);
		if (!reader.child_.alive(how)) {
			const std::string said = text_of(reader.message_);
			return fail(EOPNOTSUPP, "decouple why ended (" + how + "): " + said.substr(0, said.find('\n')));
		}
	}
	return reader;
}

Result<Events> WhyReader::stop()
{
	std::string how;
	if (child_.pid())
		::kill(child_.pid(), SIGINT);
	for (int i = 0; i < stop_ms / 10 && child_.alive(how); i++)
		usleep(10'000);
	child_.kill();
	return parse_events(text_of(output_));
}

WhyReader::~WhyReader()
{
	child_.kill();
	for (int fd : {output_, message_})
		if (fd >= 0)
			close(fd);
}

} // namespace decouple::noise
