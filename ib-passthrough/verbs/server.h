/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The verbs device of this process: a file that programs open, and the function behind it, which is brought up with the first one.
 * HCA_FUNCTION names it: `model` (if it is not set), or `vfio:BDF`.
 */
#ifndef DECOUPLE_VERBS_SERVER_H
#define DECOUPLE_VERBS_SERVER_H

#include <array>
#include <atomic>
#include <memory>

#include "verbs/context.h"

namespace decouple::verbs
{

class Server
{
public:
	static constexpr const char *path = "/dev/infiniband/uverbs0";

	/* `sysfs`: root of what make_sysfs() made; the GID there becomes the port's. */
	explicit Server(std::string sysfs) : sysfs_(std::move(sysfs)) {}

	/* A file for the program, to be closed by it. */
	Result<int> open();
	/* Takes no lock: the model's and the function's threads come by here with every file that they write to or close. */
	bool is_context(int fd) const { return fd >= 0 && fd < last_fd && is_context_[static_cast<size_t>(fd)]; }
	/* What the program writes to it: a header and a command. */
	Result<> write(int fd, hca::Bytes bytes);
	/* As mmap(2) on the file. */
	void *map(void *address, size_t len, int protection, int flags, int fd, off_t offset);
	/* The program closes one of its files, whichever. */
	void closing(int fd);

private:
	Result<> start_function();
	std::shared_ptr<Context> find(int fd);

	static constexpr int last_fd = 4096;

	const std::string sysfs_;
	Router router_;
	std::unique_ptr<Function> function_; /* never ended: contexts may come again */
	std::mutex mutex_; /* protects contexts_ and the making of function_ */
	std::array<std::atomic<bool>, last_fd> is_context_ = {}; /* by fd */
	std::map<int, std::shared_ptr<Context>> contexts_; /* by fd; a call that is under way keeps one alive */
};

} // namespace decouple::verbs

#endif
