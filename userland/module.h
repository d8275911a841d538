/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel module, as a controller uses it; the calls are those of decouple/uapi.h. */
#ifndef DECOUPLE_USERLAND_MODULE_H
#define DECOUPLE_USERLAND_MODULE_H

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "base/result.h"

namespace decouple
{

/* An open device, bound to one process. */
class Module
{
public:
	/* Is the module loaded, of our version, may the caller use it, and on some core? The error says what to do. */
	static Result<> available();
	/* The cores that are granted to the caller; the others must not be used. */
	static Result<std::vector<int>> granted_cores();
	/* Are these all granted? The error names one that isn't. */
	static Result<> check_cores(const std::vector<int> &cores);
	static Result<Module> bind(pid_t pid);
	/* Bound to none. */
	static Result<Module> unbound();

	/* Maps room for the image at `image`, the gate behind it; returns the gate's address. */
	Result<uint64_t> map(uint64_t image, uint64_t size) const;
	/* Lets the process have vCPUs on these cores. */
	Result<> use_cores(const std::vector<int> &cores) const;
	/* Has a thread call `entry` on `stack`. */
	Result<> start(pid_t tid, uint64_t entry, uint64_t stack) const;
	/* Wakes the resident's manager. */
	bool poke() const;

	int fd() const { return fd_; }

	Module(Module &&o) noexcept : fd_(o.fd_), pid_(o.pid_) { o.fd_ = -1; }
	Module &operator=(Module &&) = delete;
	~Module();

private:
	Module(int fd, pid_t pid) : fd_(fd), pid_(pid) {}
	int fd_;
	pid_t pid_;
};

} // namespace decouple

#endif
