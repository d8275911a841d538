/* SPDX-License-Identifier: GPL-2.0-only */
/* The other end of the resident's mailbox: commands to a process that has one. */
#ifndef DECOUPLE_USERLAND_CONTROLLER_H
#define DECOUPLE_USERLAND_CONTROLLER_H

#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "vmm-lite/resident.h"

namespace decouple
{

class Controller
{
public:
	/* Error ENOENT: the process has no resident. */
	static Result<Controller> open(pid_t pid);
	/* For a resident that was just injected; waits until its VM is ready. After a failure it may still be there: see at(). */
	static Result<Controller> wait_ready(pid_t pid, uint64_t control);
	/* Whatever state the resident is in. */
	static Result<Controller> at(pid_t pid, uint64_t control);

	Result<Control> read() const;
	/* Session of a thread: its address and contents. */
	Result<std::pair<uint64_t, SessionInfo>> session(pid_t tid) const;
	Result<int64_t> command(Command c, pid_t tid = 0, unsigned core = 0, unsigned service_core = 0, uint64_t arg = 0) const;
	bool write(uint64_t address, const void *from, size_t size) const;
	/* Has the manager read the vCPUs' KVM statistics, and returns at once; false: it can't be asked. */
	bool ask_kvm_stats() const;
	/* Their number of readings, see Control::kvm_answers. */
	Result<uint32_t> kvm_answers() const;
	pid_t manager() const { return manager_; }
	/* When it was read last. */
	ResidentState state() const { return state_; }
	uint64_t image() const { return image_; }
	/* Why the last vCPU thread that asked for it could not be brought to its core; empty: it could, or none asked. */
	const std::string &place_error() const { return place_error_; }
	/* The module is the resident's reflector. */
	bool by_module() const { return gate_ != 0; }

private:
	Controller(pid_t pid, uint64_t control) : pid_(pid), control_(control) {}
	pid_t pid_, manager_ = 0;
	bool wake(bool idle) const;
	void take(const Control &c);
	void serve_place() const; /* see PlaceRequest */
	mutable std::string place_error_;
	uint64_t control_, image_ = 0, gate_ = 0;
	ResidentState state_ = ResidentState::fresh;
};

/* "KVM_CREATE_VM", ... for messages. */
const char *setup_step_name(uint32_t step);

/* One controller per process at a time: an abstract socket name, which vanishes with its owner. */
class ProcessLock
{
public:
	static Result<ProcessLock> take(pid_t pid);
	ProcessLock(ProcessLock &&o) noexcept : fd_(o.fd_) { o.fd_ = -1; }
	ProcessLock &operator=(ProcessLock &&) = delete;
	~ProcessLock();

private:
	explicit ProcessLock(int fd) : fd_(fd) {}
	int fd_;
};

} // namespace decouple

#endif
