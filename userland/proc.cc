/* SPDX-License-Identifier: GPL-2.0-only */
/* Readers of /proc; see proc.h. */
#include "proc.h"

#include <fcntl.h>
#include <unistd.h>
#include <dirent.h>
#include <sys/uio.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>

#include "vmm-lite/resident.h"

namespace decouple
{

static std::string task_file(pid_t pid, pid_t tid, const char *file)
{
	return "/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/" + file;
}

/* Field `number` (9 and above) of stat, as proc(5) counts them; the second may contain anything. 0: no such thread. */
static uint64_t stat_field(pid_t pid, pid_t tid, int number)
{
	std::string text, field;
	std::getline(std::ifstream(task_file(pid, tid, "stat")), text, '\0');
	size_t name_end = text.rfind(')');
	if (name_end == std::string::npos)
		return 0;
	std::istringstream fields(text.substr(name_end + 1));
	for (int i = 3; i <= number; i++)
		fields >> field;
	return strtoull(field.c_str(), nullptr, 10);
}

constexpr int flags_field = 9, stack_field = 28;

static bool is_kernel_thread(pid_t pid, pid_t tid)
{
	constexpr unsigned kernel_thread_flag = 0x200000;
	return stat_field(pid, tid, flags_field) & kernel_thread_flag;
}

bool is_exiting(pid_t pid, pid_t tid)
{
	constexpr unsigned exiting_flag = 4;
	return stat_field(pid, tid, flags_field) & exiting_flag;
}

uint64_t program_stack(pid_t pid)
{
	return stat_field(pid, pid, stack_field);
}

Result<TaskStatus> read_task_status(pid_t pid, pid_t tid)
{
	std::ifstream in(task_file(pid, tid, "status"));
	if (!in)
		return fail(ESRCH, "no process or thread " + std::to_string(tid));
	TaskStatus s;
	bool has_memory = false;
	for (std::string line; std::getline(in, line);) {
		size_t colon = line.find(":\t");
		if (colon == std::string::npos)
			continue;
		std::string key = line.substr(0, colon), value = line.substr(colon + 2);
		auto hex = [&] { return strtoull(value.c_str(), nullptr, 16); };
		if (key == "Name")
			s.name = value;
		else if (key == "State")
			s.state = value.empty() ? '?' : value[0];
		else if (key == "Tgid")
			s.tgid = atoi(value.c_str());
		else if (key == "TracerPid")
			s.tracer = atoi(value.c_str());
		else if (key == "Seccomp")
			s.seccomp = atoi(value.c_str());
		else if (key == "SigBlk")
			s.blocked = hex();
		else if (key == "SigCgt")
			s.caught = hex();
		else if (key == "SigIgn")
			s.ignored = hex();
		else if (key == "SigPnd" || key == "ShdPnd")
			s.pending |= hex();
		else if (key == "x86_Thread_features")
			s.shadow_stack = value.find("shstk") != std::string::npos;
		else if (key == "VmSize")
			has_memory = true;
	}
	if (!has_memory && s.state != 'Z' && s.state != 'X') {
		s.kernel_thread = is_kernel_thread(pid, tid);
		if (!s.kernel_thread)
			s.state = 'X'; /* it is ending: its memory has gone before it */
	}
	return s;
}

std::vector<pid_t> threads_of(pid_t pid)
{
	std::vector<pid_t> tids;
	std::unique_ptr<DIR, int (*)(DIR *)> dir(opendir(("/proc/" + std::to_string(pid) + "/task").c_str()), closedir);
	if (!dir)
		return tids;
	while (const dirent *e = readdir(dir.get()))
		if (e->d_name[0] != '.')
			tids.push_back(atoi(e->d_name));
	std::sort(tids.begin(), tids.end());
	return tids;
}

pid_t live_thread(pid_t pid)
{
	auto alive = [&](pid_t tid) {
		auto s = read_task_status(pid, tid);
		return s && s->state != 'Z' && s->state != 'X';
	};
	if (alive(pid))
		return pid;
	for (pid_t tid : threads_of(pid))
		if (alive(tid))
			return tid;
	return pid;
}

Result<std::vector<MapLine>> read_maps(pid_t pid, pid_t tid)
{
	std::ifstream in(task_file(pid, tid, "maps"));
	if (!in)
		return fail_errno("can't read the memory map of process " + std::to_string(pid));
	std::vector<MapLine> maps;
	for (std::string line; std::getline(in, line);) {
		MapLine m;
		char perms[8] = "";
		int name_at = 0;
		unsigned long inode = 0;
		if (sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " %7s %*s %*s %lu %n", &m.start, &m.end, perms, &inode,
			   &name_at) < 4)
			continue;
		m.perms = perms;
		m.name = name_at > 0 && static_cast<size_t>(name_at) < line.size() ? line.substr(static_cast<size_t>(name_at))
										   : "";
		m.anonymous = inode == 0 && m.name.empty();
		maps.push_back(m);
	}
	return maps;
}

bool read_memory(pid_t tid, uint64_t from, void *to, size_t size)
{
	iovec local = {to, size}, remote = {reinterpret_cast<void *>(from), size};
	return process_vm_readv(tid, &local, 1, &remote, 1, 0) == static_cast<ssize_t>(size);
}

ForcedMemory ForcedMemory::open(pid_t tid)
{
	ForcedMemory m;
	m.fd_ = ::open(("/proc/" + std::to_string(tid) + "/mem").c_str(), O_RDWR | O_CLOEXEC);
	return m;
}

bool ForcedMemory::write(uint64_t to, const void *from, size_t size) const
{
	ssize_t n = pwrite(fd_, from, size, static_cast<off_t>(to));
	if (n == 0)
		errno = ESRCH;
	return n == static_cast<ssize_t>(size);
}

ForcedMemory::~ForcedMemory()
{
	if (fd_ >= 0)
		close(fd_);
}

bool write_memory(pid_t tid, uint64_t to, const void *from, size_t size)
{
	iovec local = {const_cast<void *>(from), size}, remote = {reinterpret_cast<void *>(to), size};
	return process_vm_writev(tid, &local, 1, &remote, 1, 0) == static_cast<ssize_t>(size);
}

Result<uint64_t> find_resident(pid_t pid, pid_t tid)
{
	auto not_permitted = [&] {
		return fail(EPERM, "not permitted to look into process " + std::to_string(pid) +
					   ": it belongs to another user or is protected (see ptrace(2)); be its owner or have "
					   "CAP_SYS_PTRACE");
	};
	auto maps = read_maps(pid, tid);
	if (!maps) {
		if (maps.error().code == EACCES || maps.error().code == EPERM)
			return not_permitted();
		return fail(ESRCH, "no process " + std::to_string(pid));
	}
	for (const MapLine &m : *maps) {
		ImageHeader h;
		if (!m.anonymous || m.perms[2] != 'x')
			continue;
		if (!read_memory(tid, m.start, &h, sizeof(h))) {
			if (errno == EPERM) /* the map may be read by more than the memory: Yama */
				return not_permitted();
			continue;
		}
		ResidentState state;
		if (h.magic[0] != resident_magic[0] || h.magic[1] != resident_magic[1] || h.version != resident_version)
			continue;
		if (read_memory(tid, m.start + h.control + offsetof(Control, state), &state, sizeof(state)) &&
		    state != ResidentState::dead)
			return m.start;
	}
	return fail(ENOENT, "process " + std::to_string(pid) + " has no decoupled thread");
}

} // namespace decouple
