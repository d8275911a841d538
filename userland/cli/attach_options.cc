/* SPDX-License-Identifier: GPL-2.0-only */
/* The shared options of attach and run: declaration, checks, and what the attach engine is told. */
#include "cli/attach_options.h"

#include <unistd.h>

#include "core_list.h"
#include "module.h"

namespace decouple::cli
{
namespace
{

const CLI::Validator core_list(
	[](std::string &text) {
		auto cpus = parse_core_list(text);
		return cpus ? std::string() : cpus.error().what;
	},
	"LIST", "core list");

} // namespace

void declare_attach_options(CLI::App &app, AttachArguments &arguments)
{
	app.add_flag("--all", arguments.all, "every thread of the process");
	app.add_option("--cores", arguments.cores, "dedicated cores, such as 1,4-7 (default: chosen)")
		->option_text("LIST")
		->check(core_list);
	app.add_option("--reflector", arguments.reflector, "mechanism under the gate: auto, module or signal (default: auto)")
		->option_text("NAME")
		->check(CLI::IsMember({"auto", "module", "signal"}));
	app.add_option("--apic", arguments.apic,
		       "KVM's interrupt controllers, with the module: none, split or full (default: none)")
		->option_text("MODE")
		->check(CLI::IsMember({"none", "split", "full"}));
	app.add_flag("--follow", arguments.follow, "new threads, children and programs that they execute, too");
	app.add_flag("-q,--quiet", arguments.quiet, "no notes, such as that no core is reserved");
}

Result<AttachOptions> attach_options(const AttachArguments &arguments)
{
	AttachOptions options;
	if (arguments.reflector == "module") {
		options.reflector = Reflector::module;
		if (auto ok = Module::available(); !ok)
			return fail(ENODEV, "--reflector module: " + ok.error().what);
	} else if (arguments.reflector == "signal") {
		options.reflector = Reflector::signal;
	}
	if (arguments.apic == "full")
		options.apics = ApicMode::full;
	else if (arguments.apic == "split")
		options.apics = ApicMode::split;
	options.all = arguments.all;
	options.follow = arguments.follow;
	if (!arguments.cores.empty())
		options.cores = TRY(parse_core_list(arguments.cores));
	return options;
}

} // namespace decouple::cli
