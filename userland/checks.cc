/* SPDX-License-Identifier: GPL-2.0-only */
/* What must hold before an attach; every refusal says what to do. */
#include <elf.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "checks.h"
#include "proc.h"
#include "session.h"

namespace decouple
{

constexpr uint64_t reserved_bit = 1ull << 63;

Result<> check_kvm()
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		close(fd);
		return {};
	}
	if (errno == EACCES || errno == EPERM)
		return fail(EOPNOTSUPP, "no permission to open /dev/kvm: become a member of its group (usually kvm) or root");
	return fail(EOPNOTSUPP, std::string("/dev/kvm can't be opened (") + strerror(errno) +
					": load kvm_amd or kvm_intel, and enable virtualisation in the firmware; `decouple "
					"probe` shows what is there)");
}

/* The memory map is readable exactly for those who may ptrace. */
static bool find_readable(pid_t pid, pid_t tid)
{
	return read_maps(pid, tid).has_value();
}

static bool is_64_bit(pid_t pid)
{
	unsigned char ident[EI_NIDENT] = {};
	int fd = open(("/proc/" + std::to_string(pid) + "/exe").c_str(), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return true; /* unreadable: the permission check will say why */
	ssize_t n = read(fd, ident, sizeof(ident));
	close(fd);
	return n < EI_NIDENT || ident[EI_CLASS] == ELFCLASS64;
}

Result<> check_thread(pid_t pid, pid_t tid)
{
	auto s = TRY(read_task_status(pid, tid));
	std::string who = tid == pid ? "process " + std::to_string(pid) : "thread " + std::to_string(tid);
	if (s.kernel_thread)
		return fail(EINVAL, who + " (" + s.name + ") is a kernel thread: only user programs can be decoupled");
	if (s.tracer)
		return fail(EBUSY, who + " is traced by process " + std::to_string(s.tracer) +
					   " (debugger, strace): detach that first");
	if (s.state == 'T' || s.state == 't')
		return fail(EBUSY, who + " is stopped: continue it first (kill -CONT " + std::to_string(tid) + ")");
	if (s.shadow_stack)
		return fail(EOPNOTSUPP, who + " has a user shadow stack (CET), which can't be moved: start it without "
					      "(GLIBC_TUNABLES=glibc.cpu.x86_shstk=off)");
	if (s.seccomp)
		return fail(EOPNOTSUPP, who + " runs under a seccomp filter, which would also judge the resident's own system "
					      "calls: start it without, or use the module reflector");
	return {};
}

Result<> check_stopped(const Stopped &stopped, pid_t tid)
{
	if (stopped.dispatches_calls())
		return fail(EOPNOTSUPP, "thread " + std::to_string(tid) +
						" uses Syscall User Dispatch (prctl), which would also judge the resident's "
						"own system calls: it "
						"can't be decoupled");
	return {};
}

Result<> check_target(pid_t pid)
{
	auto tids = threads_of(pid);
	if (pid <= 0 || tids.empty())
		return fail(ESRCH, "no process " + std::to_string(pid));
	pid_t any = live_thread(pid);
	auto s = TRY(read_task_status(pid, any));
	if (s.kernel_thread)
		return fail(EINVAL, "process " + std::to_string(pid) + " (" + s.name +
					    ") is a kernel thread: only user programs can be decoupled");
	if (s.tgid != pid)
		return fail(EINVAL, std::to_string(pid) + " is a thread of process " + std::to_string(s.tgid) +
					    ": use `decouple " + std::to_string(s.tgid) + " --tid " + std::to_string(pid) +
					    "`");
	bool zombie = std::all_of(tids.begin(), tids.end(), [&](pid_t tid) {
		auto t = read_task_status(pid, tid);
		return !t || t->state == 'Z' || t->state == 'X';
	});
	if (zombie)
		return fail(ESRCH, "process " + std::to_string(pid) + " (" + s.name + ") is a zombie: it has ended already");
	if (access(("/proc/" + std::to_string(pid) + "/mem").c_str(), R_OK | W_OK) < 0 || !find_readable(pid, any))
		return fail(EPERM, "not permitted to attach to process " + std::to_string(pid) +
					   ": it belongs to another user or is protected (see ptrace(2)); be its owner or have "
					   "CAP_SYS_PTRACE");
	if (pid == getpid())
		return fail(EINVAL, "decouple can't attach to itself: use `decouple run -- PROGRAM`");
	if (!is_64_bit(pid))
		return fail(EOPNOTSUPP,
			    "process " + std::to_string(pid) + " is a 32-bit program: only x86-64 programs can be decoupled");
	return {};
}

Result<> check_reserved_signal(pid_t pid)
{
	pid_t any = live_thread(pid);
	auto s = TRY(read_task_status(pid, any));
	auto resident = find_resident(pid, any);
	if (!resident && ((s.caught | s.ignored) & reserved_bit))
		return fail(EBUSY, "process " + std::to_string(pid) +
					   " uses signal 64 (SIGRTMAX) itself, which the signal reflector needs: use the "
					   "module reflector, or change the program's signal");
	return {};
}

} // namespace decouple
