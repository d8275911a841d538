/* SPDX-License-Identifier: GPL-2.0-only */
/* See exec_rights.h. */
#include "cli/exec_rights.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <string>

#include "proc.h"

namespace decouple::cli
{
namespace
{

/* Empty: it can't be read, or is too long. */
std::string string_at(pid_t tid, uint64_t at)
{
	constexpr size_t piece = 256; /* aligned: none lies in two pages */
	std::string text;
	char part[piece];
	while (text.size() < PATH_MAX) {
		const size_t size = piece - at % piece;
		if (!read_memory(tid, at, part, size))
			return {};
		const size_t length = strnlen(part, size);
		text.append(part, length);
		if (length < size)
			return text;
		at += size;
	}
	return {};
}

/* The file as its caller sees it. */
std::string file_of(pid_t tid, int dir, const std::string &path)
{
	const std::string process = "/proc/" + std::to_string(tid);
	if (path.starts_with('/'))
		return process + "/root" + path;
	return process + (dir == AT_FDCWD ? "/cwd" : "/fd/" + std::to_string(dir)) + (path.empty() ? "" : "/" + path);
}

} // namespace

bool tracing_costs_rights()
{
	return geteuid() != 0;
}

bool executes_with_rights(pid_t tid)
{
	__ptrace_syscall_info info;
	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) <= 0 || info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return false;
	std::string file;
	if (info.entry.nr == SYS_execve)
		file = file_of(tid, AT_FDCWD, string_at(tid, info.entry.args[0]));
	else if (info.entry.nr == SYS_execveat)
		file = file_of(tid, int(info.entry.args[0]), string_at(tid, info.entry.args[1]));
	else
		return false;
	struct stat program;
	return !stat(file.c_str(), &program) && S_ISREG(program.st_mode) &&
	       ((program.st_mode & (S_ISUID | S_ISGID)) || getxattr(file.c_str(), "security.capability", nullptr, 0) > 0);
}

} // namespace decouple::cli
