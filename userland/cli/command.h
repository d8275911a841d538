/* SPDX-License-Identifier: GPL-2.0-only */
/* One command of the CLI: how main() finds, parses and runs it, and the exit codes that they all use. */
#ifndef DECOUPLE_CLI_COMMAND_H
#define DECOUPLE_CLI_COMMAND_H

#include <CLI/CLI.hpp>

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace decouple::cli
{

/* `run` passes the program's own exit status on, env(1)'s 126 and 127 included. */
enum ExitCode { exit_ok = 0, exit_failed = 1, exit_usage = 2, exit_unavailable = 4 };

using Action = std::function<int()>;

/* Exactly one of setup, setup_program and raw is set. */
struct Command {
	const char *name;
	const char *synopsis; /* behind "decouple " */
	const char *summary;
	/* Declares the options; the action, called after parsing, reads what they were bound to. */
	Action (*setup)(CLI::App &);
	/* The same for a command that takes `-- PROG ARGS...`; CLI11 sees only what stands before the `--`. */
	Action (*setup_program)(CLI::App &, std::vector<std::string> program);
	/* Parses its arguments itself; argv[0] is the command's name. */
	int (*raw)(int argc, char **argv);
};

Action setup_attach(CLI::App &app);
Action setup_run(CLI::App &app, std::vector<std::string> program);
Action setup_recouple(CLI::App &app);
Action setup_status(CLI::App &app);
Action setup_top(CLI::App &app);
Action setup_why(CLI::App &app);
Action setup_cores(CLI::App &app);
Action setup_dev(CLI::App &app);
Action setup_probe(CLI::App &app);

/* For options that take a process or thread id. */
CLI::Validator is_task_id();

int exit_code(const Error &error);
/* Prints `decouple: what` and returns the exit code that belongs to the error. */
int report(const Error &error);
/* The same for an error that says that this host can't do it, whatever its errno is (check_kvm()). */
int report_unavailable(const Error &error);
void warn(const std::string &what);

} // namespace decouple::cli

#endif
