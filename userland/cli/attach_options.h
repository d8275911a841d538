/* SPDX-License-Identifier: GPL-2.0-only */
/* The options that `decouple PID` and `decouple run` share. */
#ifndef DECOUPLE_CLI_ATTACH_OPTIONS_H
#define DECOUPLE_CLI_ATTACH_OPTIONS_H

#include "cli/command.h"
#include "session.h"

namespace decouple::cli
{

struct AttachArguments {
	bool all = false;
	bool follow = false;
	bool quiet = false; /* no notes */
	std::string cores;
	std::string reflector = "auto";
	std::string apic = "none";
};

void declare_attach_options(CLI::App &app, AttachArguments &arguments);

/* Error ENODEV: the reflector that was asked for is not there. */
Result<AttachOptions> attach_options(const AttachArguments &arguments);

} // namespace decouple::cli

#endif
