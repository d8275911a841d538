/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel module; see module.h. */
#include "module.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <string>

#include "decouple/uapi.h"

namespace decouple
{

static Result<int> open_device()
{
	int fd = open(DECOUPLE_DEVICE, O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (errno == ENOENT || errno == ENXIO || errno == ENODEV)
		return fail(ENODEV, "the module kmod-decouple is not loaded: insmod it, or use --reflector signal");
	if (errno == EACCES)
		return fail(EACCES,
			    "not permitted to open " DECOUPLE_DEVICE ": be in its group (decouple), or use --reflector signal");
	return fail_errno("can't open " DECOUPLE_DEVICE);
}

static Result<> check_version(int fd)
{
	struct decouple_version v = {};
	if (ioctl(fd, DECOUPLE_GET_VERSION, &v))
		return fail_errno("can't ask the module kmod-decouple for its version");
	if (v.abi != DECOUPLE_ABI_VERSION)
		return fail(EPROTO, "the loaded module kmod-decouple has interface " + std::to_string(v.abi) +
					    ", this program needs " + std::to_string(DECOUPLE_ABI_VERSION) +
					    ": install both from one version");
	return {};
}

Result<> Module::available()
{
	int fd = TRY(open_device());
	auto result = check_version(fd);
	close(fd);
	return result;
}

Result<Module> Module::bind(pid_t pid)
{
	Module m(TRY(open_device()), pid);
	TRY(check_version(m.fd_));
	int memory = open(("/proc/" + std::to_string(pid) + "/mem").c_str(), O_RDWR | O_CLOEXEC);
	if (memory < 0)
		return fail_errno("not permitted to attach to process " + std::to_string(pid));
	struct decouple_bind b = {};
	b.mem_fd = memory;
	int error = ioctl(m.fd_, DECOUPLE_BIND, &b) ? errno : 0;
	close(memory);
	if (error)
		return fail(error, "the module refuses process " + std::to_string(pid) + ": " + strerror(error));
	return m;
}

Result<uint64_t> Module::map(uint64_t image, uint64_t size) const
{
	struct decouple_map m = {};
	m.image = image;
	m.image_size = size;
	if (ioctl(fd_, DECOUPLE_MAP, &m))
		return fail_errno("can't map the resident into process " + std::to_string(pid_));
	return m.gate;
}

Result<> Module::start(pid_t tid, uint64_t entry, uint64_t stack) const
{
	struct decouple_start s = {};
	s.tid = tid;
	s.entry = entry;
	s.stack = stack;
	if (ioctl(fd_, DECOUPLE_START, &s))
		return fail_errno("can't start the resident on thread " + std::to_string(tid));
	return {};
}

bool Module::poke() const
{
	return ioctl(fd_, DECOUPLE_POKE) == 0;
}

Module::~Module()
{
	if (fd_ >= 0)
		close(fd_);
}

} // namespace decouple
