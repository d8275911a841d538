/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel module; see module.h. */
#include "module.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <string>

#include "decouple/uapi.h"
#include "proc.h"

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

/* The example is complete, since it takes the place of what was granted. */
static std::unexpected<Error> not_granted(const std::string &what, const std::vector<int> &granted,
					  const std::vector<int> &wanted)
{
	std::set<int> all(granted.begin(), granted.end());
	all.insert(wanted.begin(), wanted.end());
	std::string uid = std::to_string(geteuid()), list;
	for (int core : all)
		list += (list.empty() ? "" : ",") + std::to_string(core);
	return fail(EPERM, what + " granted to uid " + uid + ": ask the administrator for: echo '" + uid + ":" +
				   (list.empty() ? "LIST" : list) + "' > " DECOUPLE_SYSFS "/cores, or use --reflector signal");
}

static Result<std::vector<int>> ask_cores(int fd)
{
	TRY(check_version(fd));
	struct decouple_cores c = {};
	if (ioctl(fd, DECOUPLE_GET_CORES, &c))
		return fail_errno("can't ask the module kmod-decouple for the cores that are granted");
	std::vector<int> cores;
	for (int core = 0; core < DECOUPLE_CORES_MAX; core++)
		if (c.cores[core / 64] >> (core % 64) & 1)
			cores.push_back(core);
	return cores;
}

Result<std::vector<int>> Module::granted_cores()
{
	int fd = TRY(open_device());
	auto result = ask_cores(fd);
	close(fd);
	return result;
}

Result<> Module::available()
{
	auto granted = TRY(granted_cores());
	if (granted.empty())
		return not_granted("no core is", {}, {});
	return {};
}

Result<> Module::check_cores(const std::vector<int> &cores)
{
	auto granted = TRY(granted_cores());
	for (int core : cores)
		if (std::find(granted.begin(), granted.end(), core) == granted.end())
			return not_granted("core " + std::to_string(core) + " is not", granted, cores);
	return {};
}

Result<Module> Module::bind(pid_t pid)
{
	Module m(TRY(open_device()), pid);
	TRY(check_version(m.fd_));
	/* The main thread may have ended before the others, and has no memory then. */
	int memory = open(("/proc/" + std::to_string(live_thread(pid)) + "/mem").c_str(), O_RDWR | O_CLOEXEC);
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

Result<Module> Module::unbound()
{
	Module m(TRY(open_device()), 0);
	TRY(check_version(m.fd_));
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

Result<> Module::use_cores(const std::vector<int> &cores) const
{
	struct decouple_cores c = {};
	for (int core : cores) {
		if (core < 0 || core >= DECOUPLE_CORES_MAX)
			return fail(EINVAL, "core " + std::to_string(core) + ": the module knows " +
						    std::to_string(DECOUPLE_CORES_MAX) + " cores only");
		c.cores[core / 64] |= 1ull << (core % 64);
	}
	if (ioctl(fd_, DECOUPLE_USE_CORES, &c) == 0)
		return {};
	int error = errno;
	TRY(check_cores(cores)); /* names the core */
	return fail(error, "the module refuses the cores for process " + std::to_string(pid_) + ": " + strerror(error));
}

Result<> Module::start(pid_t tid, uint64_t entry, uint64_t stack) const
{
	struct decouple_start s = {};
	s.tid = tid;
	s.entry = entry;
	s.stack = stack;
	if (ioctl(fd_, DECOUPLE_START, &s))
		return fail_errno("can't start the resident on thread " + std::to_string(tid) +
				  (errno == EOPNOTSUPP ? ", which uses Syscall User Dispatch (prctl)" : ""));
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
