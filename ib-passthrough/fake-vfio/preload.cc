// SPDX-License-Identifier: GPL-2.0-only
// LD_PRELOAD: the C library's calls by which a driver reaches a VFIO group, with ours in front. Tests only.

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdarg>
#include <cstring>

#include "fake-vfio/group.h"
#include "real_call.h"

using decouple::real;

namespace
{

// Never destroyed: a program may close its files while its libraries are unloaded.
decouple::fake_vfio::Group &group()
{
	static auto *only = new decouple::fake_vfio::Group;
	return *only;
}

int open_any(const char *path, int flags, mode_t mode)
{
	static auto *const next = real(&::open, "open");
	const auto fd = group().open(path);
	return fd ? *fd : next(path, flags, mode);
}

// What follows the fixed arguments, where something does.
template <class T> T optional_argument(va_list list)
{
	return va_arg(list, T);
}

} // namespace

#pragma GCC visibility push(default)
extern "C" {

int open(const char *path, int flags, ...)
{
	va_list list;
	va_start(list, flags);
	const auto mode = optional_argument<mode_t>(list);
	va_end(list);
	return open_any(path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

int stat(const char *path, struct stat *result)
{
	static auto *const next = real(&::stat, "stat");
	if (!group().exists(path))
		return next(path, result);
	*result = {};
	result->st_mode = S_IFDIR | 0755;
	return 0;
}

ssize_t readlink(const char *path, char *buffer, size_t size)
{
	static auto *const next = real(&::readlink, "readlink");
	const auto link = group().link(path);
	if (!link)
		return next(path, buffer, size);
	const size_t copied = std::min(size, link->size());
	std::memcpy(buffer, link->data(), copied);
	return static_cast<ssize_t>(copied);
}

int ioctl(int fd, unsigned long request, ...)
{
	static auto *const next = real(&::ioctl, "ioctl");
	va_list list;
	va_start(list, request);
	void *argument = optional_argument<void *>(list);
	va_end(list);
	const auto result = group().ioctl(fd, request, argument);
	return result ? *result : next(fd, request, argument);
}

int close(int fd)
{
	static auto *const next = real(&::close, "close");
	group().closing(fd);
	return next(fd);
}

} // extern "C"
#pragma GCC visibility pop
