// SPDX-License-Identifier: GPL-2.0-only
// IPC, page cache and network loads.

#include "load_work.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <thread>

namespace decouple::noise
{

namespace
{

constexpr unsigned pairs = 10, streams = 2;
constexpr size_t message = 100, file_bytes = 32 << 20, chunk = 64 << 10;

void send_all(Load::Shared &shared, int fd, size_t size)
{
	char data[chunk] = {};
	while (write(fd, data, size) > 0)
		shared.operations.fetch_add(1, std::memory_order_relaxed);
	shared.error.store(errno);
}

void receive_all(Load::Shared &shared, int fd)
{
	char data[chunk];
	while (read(fd, data, sizeof data) > 0)
		;
	shared.error.store(errno ? errno : EPIPE);
}

// Until one of the threads has met an error, which none does in a healthy system.
int wait_for_error(Load::Shared &shared)
{
	while (!shared.error.load())
		usleep(100'000);
	return shared.error.load();
}

// A connected pair over 127.0.0.1; 0 or errno.
int tcp_pair(int fds[2])
{
	sockaddr_in address = {.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
	socklen_t size = sizeof address;
	auto *name = reinterpret_cast<sockaddr *>(&address); // the socket API's own type punning
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || fds[0] < 0 || bind(listener, name, size) || listen(listener, 1) ||
	    getsockname(listener, name, &size) || connect(fds[0], name, size))
		return errno;
	fds[1] = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
	int error = fds[1] < 0 ? errno : 0;
	close(listener);
	return error;
}

// A file without a name, where there is room for one. Its pages are those of the page cache.
int open_scratch()
{
	const char *named = getenv("TMPDIR");
	for (const char *directory : {named ? named : "/var/tmp", "/var/tmp", "/tmp", "."}) {
		int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		if (fd >= 0)
			return fd;
	}
	return memfd_create("decouple-noise-load", MFD_CLOEXEC);
}

} // namespace

int load_ipc(Load::Shared &shared)
{
	for (unsigned i = 0; i < pairs; i++) {
		int fds[2] = {-1, -1};
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
			return errno;
		std::thread(send_all, std::ref(shared), fds[0], message).detach();
		std::thread(receive_all, std::ref(shared), fds[1]).detach();
	}
	return wait_for_error(shared);
}

int load_net(Load::Shared &shared)
{
	for (unsigned i = 0; i < streams; i++) {
		int fds[2] = {-1, -1};
		if (int error = tcp_pair(fds))
			return error;
		std::thread(send_all, std::ref(shared), fds[0], chunk).detach();
		std::thread(receive_all, std::ref(shared), fds[1]).detach();
	}
	return wait_for_error(shared);
}

int load_cache(Load::Shared &shared)
{
	int fd = open_scratch();
	if (fd < 0)
		return errno;
	auto data = std::make_unique<char[]>(chunk);
	for (;;) {
		for (size_t at = 0; at < file_bytes; at += chunk, shared.operations.fetch_add(chunk / 4096))
			if (pwrite(fd, data.get(), chunk, off_t(at)) < 0)
				return errno;
		// Written out, else the pages are dirty and stay.
		if (fdatasync(fd))
			return errno;
		for (size_t at = 0; at < file_bytes; at += chunk, shared.operations.fetch_add(chunk / 4096))
			if (pread(fd, data.get(), chunk, off_t(at)) < 0)
				return errno;
		if (int error = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
			return error;
	}
}

} // namespace decouple::noise
