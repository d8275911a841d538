/* SPDX-License-Identifier: GPL-2.0-only */
/* Looking at sessions from outside. */
#include <dirent.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>

#include "clock.h"
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
static std::vector<ThreadStatus> sessions_of(pid_t pid, pid_t tid, const Control &c, Figures figures)
{
	std::vector<ThreadStatus> list;
	for (uint64_t address : c.sessions) {
		ThreadStatus t;
		if (!address || !read_memory(tid, address, &t.info, sizeof(t.info)))
			continue;
		t.pid = pid;
		t.module = c.config.gate != 0;
		t.tid = t.info.tid;
		KvmStats kvm;
		if (figures == Figures::kvm && t.info.kvm_stats && read_memory(tid, t.info.kvm_stats, &kvm, sizeof(kvm)))
			t.kvm = kvm_figures(kvm);
		list.push_back(std::move(t));
	}
	return list;
}

/* A process with a resident. */
struct Found {
	pid_t pid;
	uint64_t address; /* of its control block */
	Control control;
};

static Result<Found> find(pid_t pid)
{
	auto tids = threads_of(pid);
	if (tids.empty())
		return fail(ESRCH, "no process " + std::to_string(pid));
	pid_t tid = live_thread(pid);
	auto image = find_resident(pid, tid);
	ImageHeader h;
	Found f = {.pid = pid, .address = 0, .control = {}};
	if (!image)
		return std::unexpected(image.error());
	if (!read_memory(tid, *image, &h, sizeof(h)) || !read_memory(tid, *image + h.control, &f.control, sizeof(f.control)))
		return fail(EPERM, "not permitted to read process " + std::to_string(pid));
	f.address = *image + h.control;
	return f;
}

/* Has all managers read KVM's statistics, at the same time. One that does not answer is left. */
static void ask_for_kvm(const std::vector<Found> &processes)
{
	constexpr long patience_ns = 100'000'000;
	constexpr timespec nap = {0, 50'000};
	std::vector<std::pair<Controller, uint32_t>> asked; /* and its answers before */
	for (const Found &f : processes) {
		auto controller = Controller::at(f.pid, f.address);
		auto answers = controller ? controller->kvm_answers() : std::unexpected(controller.error());
		if (answers && controller->ask_kvm_stats())
			asked.emplace_back(*controller, *answers);
	}
	for (long deadline = monotonic_ns() + patience_ns; !asked.empty() && monotonic_ns() < deadline;) {
		std::erase_if(asked, [](const auto &a) {
			auto answers = a.first.kvm_answers();
			return !answers || *answers != a.second;
		});
		if (!asked.empty())
			nanosleep(&nap, nullptr);
	}
}

static std::vector<ThreadStatus> sessions_of(const std::vector<Found> &processes, Figures figures)
{
	if (figures == Figures::kvm)
		ask_for_kvm(processes);
	std::vector<ThreadStatus> all;
	for (const Found &f : processes) {
		auto list = sessions_of(f.pid, f.control.manager_tid, f.control, figures);
		all.insert(all.end(), std::make_move_iterator(list.begin()), std::make_move_iterator(list.end()));
	}
	return all;
}

Result<Control> read_control(pid_t pid)
{
	return TRY(find(pid)).control;
}

Result<std::vector<ThreadStatus>> status(pid_t pid, Figures figures)
{
	auto found = find(pid);
	if (!found && found.error().code == ENOENT)
		return std::vector<ThreadStatus>{};
	if (!found)
		return std::unexpected(found.error());
	return sessions_of({*found}, figures);
}

std::vector<ThreadStatus> status_all(Figures figures)
{
	std::vector<Found> processes;
	std::unique_ptr<DIR, int (*)(DIR *)> dir(opendir("/proc"), closedir);
	while (const dirent *e = dir ? readdir(dir.get()) : nullptr) {
		pid_t pid = atoi(e->d_name);
		if (pid <= 0 || !has_manager(pid))
			continue;
		if (auto found = find(pid))
			processes.push_back(*found);
	}
	return sessions_of(processes, figures);
}

} // namespace decouple
