// SPDX-License-Identifier: GPL-2.0-only
// seccomp user notification: the kernel parks the caller, a supervisor process receives the call and sends the answer.

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <memory>

#include "peer.h"

// Since Linux 6.6; not in the headers of Debian 12.
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

namespace decouple::bench
{

namespace
{

// Returns the listener's file descriptor in the worker.
int64_t install(Channel &)
{
	sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	sock_fprog program = {sizeof code / sizeof *code, code};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	return fd < 0 ? -errno : fd;
}

void supervise(int listener)
{
	for (;;) {
		seccomp_notif call = {}; // the kernel insists on zeroes
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call)) {
			if (errno == EINTR || errno == ENOENT)
				continue; // ENOENT: the caller went away before its call was received
			return;
		}
		seccomp_notif_resp answer = {.id = call.id, .val = call.pid, .error = 0, .flags = 0};
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	}
}

Result<int> take_listener(pid_t pid, int fd_there)
{
	int process = int(syscall(SYS_pidfd_open, pid, 0));
	if (process < 0)
		return fail_errno("pidfd_open of the seccomp worker");
	int fd = int(syscall(SYS_pidfd_getfd, process, fd_there, 0));
	Result<int> result = fd < 0 ? Result<int>(fail_errno("pidfd_getfd of the seccomp listener")) : Result<int>(fd);
	close(process);
	return result;
}

// Declared in this order: the supervisor ends first, and no worker is left in a call that nobody answers.
struct Pair {
	Worker worker;
	Child supervisor;
};

} // namespace

Result<Variant> seccomp_variant(bool same_core, const Options &options, size_t capacity, std::vector<std::string> &notes)
{
	std::string name = same_core ? "seccomp_notify_same" : "seccomp_notify_other";
	auto pair = std::make_shared<Pair>();
	pair->worker = TRY(Worker::start(name + " worker", capacity, options.cores.dedicated, options.rt));
	int listener = TRY(take_listener(pair->worker.pid(), int(TRY(pair->worker.run(install, 0)))));
	// Handing the core over directly is what makes this mechanism fast on one core: without it the figure would be unfair.
	if (same_core && ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP))
		notes.push_back(name + ": without SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP, which this kernel refuses: " +
				std::strerror(errno) + " (errno " + std::to_string(errno) + ")");
	int core = same_core ? options.cores.dedicated : options.cores.service;
	auto prepare = [&] {
		if (auto pinned = pin(0, core); !pinned)
			return pinned.error().code;
		auto raised = set_realtime(0, options.rt ? 1 : 0);
		return raised ? 0 : raised.error().code;
	};
	auto supervisor = Child::start(name + " supervisor", prepare, [&] { supervise(listener); });
	close(listener);
	pair->supervisor = TRY(std::move(supervisor));
	return Variant{.name = name, .take = [pair](unsigned share, std::vector<double> &samples_ns) {
			       return take_samples(pair->worker, measure_getpid, share, uint64_t(pair->worker.pid()),
						   samples_ns);
		       }};
}

} // namespace decouple::bench
