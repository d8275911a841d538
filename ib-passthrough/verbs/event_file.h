/* SPDX-License-Identifier: GPL-2.0-only */
/* A file from which a program reads events: of a completion channel, or the asynchronous ones of a context. */
#ifndef DECOUPLE_VERBS_EVENT_FILE_H
#define DECOUPLE_VERBS_EVENT_FILE_H

#include <cstdint>
#include <functional>
#include <span>

#include "base/result.h"

namespace decouple::verbs
{

/* Move-only. */
class EventFile
{
public:
	/* Records of at most 16 bytes, all of the same length. */
	static Result<EventFile> create(size_t record_len);
	EventFile(EventFile &&other) noexcept;
	~EventFile();

	/* The program's end, which is the program's to close. */
	int fd() const { return program_fd_; }
	/* False: full, the event is lost. */
	bool send(const void *record);
	/*
	 * Takes back the records that match and that nobody has read, and says how many. Who waits for the program to acknowledge the
	 * events of an object may count only those that it did read.
	 */
	unsigned withdraw(const std::function<bool(const void *record)> &matches);

private:
	EventFile() = default;

	int program_fd_ = -1, write_fd_ = -1;
	int read_fd_ = -1; /* the program's end again, but not blocking */
	size_t record_len_ = 0;
};

} // namespace decouple::verbs

#endif
