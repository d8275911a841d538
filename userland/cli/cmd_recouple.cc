/* SPDX-License-Identifier: GPL-2.0-only */
/* decouple recouple: give threads back to Linux. */
#include "cli/command.h"
#include "cli/progress.h"
#include "session.h"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <memory>

namespace decouple::cli
{
namespace
{

struct Arguments {
	pid_t pid = 0;
	std::vector<pid_t> tids;
	bool json = false;
};

int run(const Arguments &arguments)
{
	Progress progress("recoupling process " + std::to_string(arguments.pid));
	auto tids = recouple(arguments.pid, arguments.tids);
	if (!tids)
		return report(tids.error());
	if (arguments.json) {
		const nlohmann::ordered_json object = {{"pid", arguments.pid}, {"recoupled", *tids}};
		std::printf("%s\n", object.dump().c_str());
		return exit_ok;
	}
	std::printf("process %d: %zu thread%s recoupled:", arguments.pid, tids->size(), tids->size() == 1 ? "" : "s");
	for (pid_t tid : *tids)
		std::printf(" %d", tid);
	std::putchar('\n');
	return exit_ok;
}

} // namespace

Action setup_recouple(CLI::App &app)
{
	auto arguments = std::make_shared<Arguments>();
	app.add_option("PID", arguments->pid, "the process")->required()->check(is_task_id())->option_text(" ");
	app.add_option("--tid", arguments->tids, "this thread only; may be repeated (default: all)")
		->option_text("T")
		->check(is_task_id())
		->allow_extra_args(false);
	app.add_flag("--json", arguments->json, "print what was done as JSON");
	return [arguments] { return run(*arguments); };
}

} // namespace decouple::cli
