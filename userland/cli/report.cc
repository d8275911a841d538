/* SPDX-License-Identifier: GPL-2.0-only */
/* Diagnostics: the one place that prints errors, the exit code of each, and the check of ids on the command line. */
#include "cli/command.h"

#include <charconv>
#include <cstdio>

namespace decouple::cli
{

CLI::Validator is_task_id()
{
	return CLI::Validator(
		[](std::string &text) {
			pid_t id = 0;
			auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
			const bool ok = error == std::errc() && end == text.data() + text.size() && id > 0;
			return ok ? std::string() : "`" + text + "` is not a process or thread id";
		},
		"", "task id");
}

void warn(const std::string &what)
{
	std::fprintf(stderr, "decouple: %s\n", what.c_str());
}

int report_unavailable(const Error &error)
{
	warn(error.what);
	return exit_unavailable;
}

int exit_code(const Error &error)
{
	/* The host lacks something; everything else concerns the request or the target. */
	return error.code == ENODEV || error.code == ENOSYS ? exit_unavailable : exit_failed;
}

int report(const Error &error)
{
	warn(error.what);
	return exit_code(error);
}

} // namespace decouple::cli
