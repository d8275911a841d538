/* SPDX-License-Identifier: GPL-2.0-only */
/* What /proc tells about a process, and its memory. */
#ifndef DECOUPLE_USERLAND_PROC_H
#define DECOUPLE_USERLAND_PROC_H

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace decouple
{

/* Fields of /proc/PID/task/TID/status. */
struct TaskStatus {
	char state = 0; /* R S D T t Z X I; X also for one that is ending and has given its memory back */
	pid_t tgid = 0, tracer = 0;
	int seccomp = 0;
	uint64_t blocked = 0, caught = 0, ignored = 0, pending = 0;
	bool kernel_thread = false, shadow_stack = false;
	std::string name;
};
Result<TaskStatus> read_task_status(pid_t pid, pid_t tid);

/* The thread is in exit(2), in which it may be for long: a VM is taken down there. */
bool is_exiting(pid_t pid, pid_t tid);

/* Where the stack of its program began: another place behind an execve(2). 0: not known. */
uint64_t program_stack(pid_t pid);

/* Thread ids of a process in ascending order; empty: no such process. */
std::vector<pid_t> threads_of(pid_t pid);

/* A live thread of the process, the leader if possible: others may end at any moment. pid itself if there is none. */
pid_t live_thread(pid_t pid);

struct MapLine {
	uint64_t start, end;
	std::string perms, name;
	bool anonymous;
};
/* Of any live thread: the leader may be a zombie. */
Result<std::vector<MapLine>> read_maps(pid_t pid, pid_t tid);

/* Whole transfers or nothing; false: errno. `tid` may be any live thread. */
bool read_memory(pid_t tid, uint64_t from, void *to, size_t size);
bool write_memory(pid_t tid, uint64_t to, const void *from, size_t size);

/*
 * Memory in which also those places can be written that the thread itself may not write; some kernels forbid that to all but tracers, at the
 * time of the write. It is that of the program which ran when it was opened.
 */
class ForcedMemory
{
public:
	/* What can't be opened can't be written either. */
	static ForcedMemory open(pid_t tid);
	/* false: errno; ESRCH: the program is gone. */
	bool write(uint64_t to, const void *from, size_t size) const;
	ForcedMemory() = default;
	ForcedMemory(ForcedMemory &&o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
	ForcedMemory &operator=(ForcedMemory &&o) noexcept
	{
		std::swap(fd_, o.fd_);
		return *this;
	}
	~ForcedMemory();

private:
	int fd_ = -1;
};

/* Address of the resident's image. Errors: ENOENT the process has no live one, ESRCH no process, EPERM. */
Result<uint64_t> find_resident(pid_t pid, pid_t tid);

} // namespace decouple

#endif
