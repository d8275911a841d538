// SPDX-License-Identifier: GPL-2.0-only
// Event files are pipes.

#include "verbs/event_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <vector>

namespace decouple::verbs
{

Result<EventFile> EventFile::create(size_t record_len)
{
	EventFile file;
	int ends[2];
	if (pipe2(ends, O_CLOEXEC))
		return fail_errno("pipe for events");
	file.program_fd_ = ends[0];
	file.write_fd_ = ends[1];
	file.record_len_ = record_len;
	/* Opened anew, for the mode of a duplicate is that of the original. */
	file.read_fd_ = ::open(("/proc/self/fd/" + std::to_string(ends[0])).c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (file.read_fd_ < 0 || fcntl(file.write_fd_, F_SETFL, O_NONBLOCK))
		return fail_errno("pipe for events");
	return file;
}

EventFile::EventFile(EventFile &&other) noexcept
    : program_fd_(other.program_fd_), write_fd_(std::exchange(other.write_fd_, -1)),
      read_fd_(std::exchange(other.read_fd_, -1)), record_len_(other.record_len_)
{
}

EventFile::~EventFile()
{
	for (int fd : {write_fd_, read_fd_})
		if (fd >= 0)
			close(fd);
}

bool EventFile::send(const void *record)
{
	return write(write_fd_, record, record_len_) == static_cast<ssize_t>(record_len_);
}

unsigned EventFile::withdraw(const std::function<bool(const void *record)> &matches)
{
	using Record = std::array<uint8_t, 16>;
	std::vector<Record> others;
	unsigned withdrawn = 0;
	for (Record record; read(read_fd_, record.data(), record_len_) == static_cast<ssize_t>(record_len_);) {
		if (matches(record.data()))
			withdrawn++;
		else
			others.push_back(record);
	}
	for (const Record &record : others)
		send(record.data());
	return withdrawn;
}

} // namespace decouple::verbs
