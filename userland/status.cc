/* SPDX-License-Identifier: GPL-2.0-only */
/* Looking at sessions from outside. */
#include <dirent.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>

#include "controller.h"
#include "proc.h"
#include "session.h"

namespace decouple
{

const char *state_name(SessionState state)
{
	switch (state) {
	case SessionState::none:
		return "none";
	case SessionState::starting:
		return "starting";
	case SessionState::decoupled:
		return "decoupled";
	case SessionState::paused:
		return "paused";
	case SessionState::native:
		return "native";
	case SessionState::recoupled:
		return "recoupled";
	case SessionState::failed:
		return "failed";
	}
	return "unknown";
}

const char *reason_text(Reason reason)
{
	switch (reason) {
	case Reason::none:
		return "";
	case Reason::asked:
		return "asked for";
	case Reason::signal64_taken:
		return "the application took signal 64 for itself";
	case Reason::seccomp:
		return "the thread installed a seccomp filter";
	case Reason::exec:
		return "the thread executed a program with signal 64 blocked";
	case Reason::exited:
		return "the thread ended";
	case Reason::unsupported_call:
		return "system call that a guest can't follow";
	case Reason::kvm_lost:
		return "the VM could not be built again";
	case Reason::debugger:
		return "a debugger attached";
	case Reason::core_lost:
		return "its dedicated core was taken away";
	}
	return "unknown";
}

static bool has_manager(pid_t pid)
{
	/* A thread, its vCPU thread and the manager are three tasks: most processes are passed over with one call. */
	constexpr nlink_t dots = 2, fewest = 3;
	struct stat st;
	if (stat(("/proc/" + std::to_string(pid) + "/task").c_str(), &st) < 0 || st.st_nlink < dots + fewest)
		return false;
	for (pid_t tid : threads_of(pid)) {
		std::ifstream in("/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/comm");
		std::string name;
		if (std::getline(in, name) && name == "decouple")
			return true;
	}
	return false;
}

/* Any reader may look: no lock. A session that vanishes meanwhile is left out. */
static std::vector<ThreadStatus> sessions_of(pid_t pid, pid_t tid, const Control &c)
{
	std::vector<ThreadStatus> list;
	for (uint64_t address : c.sessions) {
		ThreadStatus t;
		if (address && read_memory(tid, address, &t.info, sizeof(t.info))) {
			t.pid = pid;
			t.module = c.config.gate != 0;
			t.tid = t.info.tid;
			list.push_back(t);
		}
	}
	return list;
}

Result<Control> read_control(pid_t pid)
{
	auto tids = threads_of(pid);
	if (tids.empty())
		return fail(ESRCH, "no process " + std::to_string(pid));
	pid_t tid = live_thread(pid);
	auto image = find_resident(pid, tid);
	ImageHeader h;
	Control c;
	if (!image)
		return std::unexpected(image.error());
	if (!read_memory(tid, *image, &h, sizeof(h)) || !read_memory(tid, *image + h.control, &c, sizeof(c)))
		return fail(EPERM, "not permitted to read process " + std::to_string(pid));
	return c;
}

Result<std::vector<ThreadStatus>> status(pid_t pid)
{
	auto c = read_control(pid);
	if (!c && c.error().code == ENOENT)
		return std::vector<ThreadStatus>{};
	if (!c)
		return std::unexpected(c.error());
	return sessions_of(pid, c->manager_tid, *c);
}

std::vector<ThreadStatus> status_all()
{
	std::vector<ThreadStatus> all;
	std::unique_ptr<DIR, int (*)(DIR *)> dir(opendir("/proc"), closedir);
	while (const dirent *e = dir ? readdir(dir.get()) : nullptr) {
		pid_t pid = atoi(e->d_name);
		if (pid <= 0 || !has_manager(pid))
			continue;
		if (auto list = status(pid))
			all.insert(all.end(), list->begin(), list->end());
	}
	return all;
}

} // namespace decouple
