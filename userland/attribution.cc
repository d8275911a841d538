/* SPDX-License-Identifier: GPL-2.0-only */
/* Attribution; see attribution.h. */
#include "attribution.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "session.h"

namespace decouple
{

/* Unlike an attach, this has no other way. */
static Result<> check_device()
{
	int fd = open(DECOUPLE_DEVICE, O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		close(fd);
		return {};
	}
	if (errno == ENOENT || errno == ENXIO || errno == ENODEV)
		return fail(ENODEV, "the module kmod-decouple is not loaded, and only it sees what disturbs a core: insmod it");
	if (errno == EACCES)
		return fail(EACCES, "not permitted to open " DECOUPLE_DEVICE ": be in its group (decouple), or root");
	return fail_errno("can't open " DECOUPLE_DEVICE);
}

static Result<> check_process(pid_t pid)
{
	for (const ThreadStatus &thread : TRY(status(pid)))
		if (thread.module)
			return {};
	return fail(ENOENT, "the module has decoupled no thread of process " + std::to_string(pid) +
				    ": decouple one first (with --reflector module)");
}

static std::unexpected<Error> refused(pid_t pid)
{
	if (errno == EPERM)
		return fail(EPERM, "not permitted to see the disturbances of all processes: name one of yours, or be root");
	if (errno == ENODEV)
		return fail(ENODEV, "KVM is not loaded: modprobe kvm-amd or kvm-intel");
	return fail_errno("can't switch attribution on for " + (pid ? "process " + std::to_string(pid) : "all processes"));
}

Result<Attribution> Attribution::open(pid_t pid)
{
	TRY(check_device());
	if (pid)
		TRY(check_process(pid));
	Module module = pid ? TRY(Module::bind(pid)) : TRY(Module::unbound());
	struct decouple_why why = {};
	why.flags = pid ? 0 : DECOUPLE_WHY_ALL;
	if (ioctl(module.fd(), DECOUPLE_WHY, &why))
		return refused(pid);
	return Attribution(std::move(module));
}

Result<std::vector<decouple_disturbance>> Attribution::read() const
{
	std::vector<decouple_disturbance> all;
	std::array<decouple_disturbance, 64> some;
	for (;;) {
		ssize_t n = ::read(module_.fd(), some.data(), sizeof(some));
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_errno("can't read disturbances from the module");
		all.insert(all.end(), some.begin(), some.begin() + n / ssize_t(sizeof(some[0])));
	}
	std::stable_sort(all.begin(), all.end(), [](const auto &a, const auto &b) { return a.time < b.time; });
	return all;
}

Result<decouple_why_counts> Attribution::counts() const
{
	struct decouple_why_counts counts = {};
	if (ioctl(module_.fd(), DECOUPLE_WHY_COUNTS, &counts))
		return fail_errno("can't ask the module for its counts");
	return counts;
}

} // namespace decouple
