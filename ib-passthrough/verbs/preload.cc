// SPDX-License-Identifier: GPL-2.0-only
// LD_PRELOAD: the C library's calls by which libibverbs and its providers reach a verbs device, with ours in front. Programs that
// fork, or that share the device's file in another way, are not served.

#include <fcntl.h>
#include <linux/netlink.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "real_call.h"
#include "verbs/server.h"
#include "verbs/sysfs.h"

using decouple::real;

namespace
{

using decouple::verbs::Server;

// Where libibverbs looks for devices: made when the program starts, gone when it ends.
class Directory
{
public:
	Directory()
	{
		const char *parent = std::getenv("TMPDIR");
		path_ = std::string(parent ? parent : "/tmp") + "/decouple-verbs." + std::to_string(getpid());
		if (decouple::verbs::make_sysfs(path_))
			setenv("SYSFS_PATH", path_.c_str(), 1);
	}
	~Directory()
	{
		std::error_code ignored;
		std::filesystem::remove_all(path_, ignored);
	}
	const std::string &path() const { return path_; }

private:
	std::string path_;
} directory;

// Never destroyed: a program may close its files while its libraries are unloaded. Nullptr as long as other libraries are initialised and
// this one is not.
Server *server()
{
	if (directory.path().empty())
		return nullptr;
	static auto *const only = new Server(directory.path());
	return only;
}

bool is_device(const char *path)
{
	return !std::strcmp(path, Server::path);
}

void as_device(struct stat *result)
{
	result->st_mode = S_IFCHR | 0666;
	result->st_rdev = makedev(decouple::verbs::device_major, decouple::verbs::device_minor);
}

template <class T> T failed(const decouple::Error &error, T value)
{
	if (std::getenv("HCA_TRACE"))
		std::fprintf(stderr, "verbs: %s\n", error.what.c_str());
	errno = error.code;
	return value;
}

// The thread is in our own code: its calls are for the system. Contexts use files, which would come by here again.
thread_local bool inside = false;

struct Inside {
	Inside() { inside = true; }
	~Inside() { inside = false; }
};

} // namespace

#pragma GCC visibility push(default)
extern "C" {

int open(const char *path, int flags, ...)
{
	static auto *const next = real(&::open, "open");
	va_list list;
	va_start(list, flags);
	const auto mode = va_arg(list, mode_t);
	va_end(list);
	if (inside || !is_device(path) || !server())
		return next(path, flags, mode);
	const Inside mark;
	const auto fd = server()->open();
	return fd ? *fd : failed(fd.error(), -1);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

int stat(const char *path, struct stat *result)
{
	static auto *const next = real(&::stat, "stat");
	if (!is_device(path))
		return next(path, result);
	*result = {};
	as_device(result);
	return 0;
}

int fstat(int fd, struct stat *result)
{
	static auto *const next = real(&::fstat, "fstat");
	const int error = next(fd, result);
	if (!error && !inside && server() && server()->is_context(fd))
		as_device(result);
	return error;
}

ssize_t write(int fd, const void *bytes, size_t len)
{
	static auto *const next = real(&::write, "write");
	if (inside || !server() || !server()->is_context(fd))
		return next(fd, bytes, len);
	const Inside mark;
	const auto done = server()->write(fd, {static_cast<const uint8_t *>(bytes), len});
	return done ? static_cast<ssize_t>(len) : failed(done.error(), ssize_t(-1));
}

// libibverbs falls back to write(2) when a device has no ioctls, as those of old kernels.
int ioctl(int fd, unsigned long request, ...)
{
	static auto *const next = real(&::ioctl, "ioctl");
	va_list list;
	va_start(list, request);
	void *argument = va_arg(list, void *);
	va_end(list);
	if (inside || !server() || !server()->is_context(fd))
		return next(fd, request, argument);
	errno = ENOTTY;
	return -1;
}

void *mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset)
{
	static auto *const next = real(&::mmap, "mmap");
	// malloc maps memory before anything of ours is ready.
	if (fd < 0 || inside || !server() || !server()->is_context(fd))
		return next(address, len, protection, flags, fd, offset);
	const Inside mark;
	return server()->map(address, len, protection, flags, fd, offset);
}

void *mmap64(void *, size_t, int, int, int, off_t) __attribute__((alias("mmap")));

int close(int fd)
{
	static auto *const next = real(&::close, "close");
	if (!inside && server()) {
		const Inside mark;
		server()->closing(fd);
	}
	return next(fd);
}

// Devices that a kernel's netlink tells of would be others than ours.
int socket(int domain, int type, int protocol)
{
	static auto *const next = real(&::socket, "socket");
	if (domain != AF_NETLINK || protocol != NETLINK_RDMA)
		return next(domain, type, protocol);
	errno = EPROTONOSUPPORT;
	return -1;
}

} // extern "C"
#pragma GCC visibility pop
