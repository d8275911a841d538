/* SPDX-License-Identifier: GPL-2.0-only */
/* Real programs to be attached to: large address spaces, many threads, code that appears while they run. */
#ifndef DECOUPLE_TOOLS_PROGRAM_H
#define DECOUPLE_TOOLS_PROGRAM_H

#include <memory>
#include <string>
#include <vector>

#include "child.h"

namespace decouple::bench
{

struct Program {
	const char *name; /* also the command */
	std::vector<std::string> arguments;
	const char *source; /* for a program that wants a file, whose path replaces the argument "SOURCE"; may be nullptr */
	const char *source_name;
};

const std::vector<Program> &programs();

struct SourceFile {
	std::string dir, path; /* removed with it */
	~SourceFile();
};

/* On a busy machine a program is slow to read its source: that stays as long as the program. */
struct RunningProgram {
	std::unique_ptr<SourceFile> source;
	Child child;
	pid_t pid() const { return child.pid(); }
};

/* Starts it, pinned to `core`, and lets it warm up for 1.5 s. Error EOPNOTSUPP: not installed. */
Result<RunningProgram> start_program(const Program &program, int core);

} // namespace decouple::bench

#endif
