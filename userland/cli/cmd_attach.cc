/* SPDX-License-Identifier: GPL-2.0-only */
/* decouple PID: move threads of a running process onto dedicated cores. */
#include "cli/attach_options.h"
#include "cli/follower.h"
#include "cli/progress.h"

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
	AttachArguments attach;
	bool json = false;
};

void print(const AttachReport &report, bool json)
{
	if (json) {
		const nlohmann::ordered_json object = {{"pid", report.pid},
						       {"tids", report.tids},
						       {"stopped_ns", report.stopped_ns},
						       {"total_ns", report.total_ns}};
		std::printf("%s\n", object.dump().c_str());
		return;
	}
	std::printf("process %d: %zu thread%s decoupled:", report.pid, report.tids.size(), report.tids.size() == 1 ? "" : "s");
	for (pid_t tid : report.tids)
		std::printf(" %d", tid);
	std::printf(" (stopped for %.0f us, %.1f ms in all)\n", double(report.stopped_ns) / 1e3, double(report.total_ns) / 1e6);
}

int run(const Arguments &arguments)
{
	auto options = attach_options(arguments.attach);
	if (!options)
		return report(options.error());
	options->tids = arguments.tids;
	if (auto target = check_target(arguments.pid); !target)
		return report(target.error());
	if (auto kvm = check_kvm(); !kvm)
		return report_unavailable(kvm.error());

	/* Before the attach: the resident is told the follower's address. An unused follower ends by itself. */
	std::unique_ptr<Follower> follower;
	if (options->follow) {
		auto started = Follower::start(*options, Follower::Messages::to_syslog);
		if (!started)
			return report(started.error());
		follower = std::move(*started);
		options->follow_socket = follower->socket_name();
	}
	Progress progress("decoupling process " + std::to_string(arguments.pid));
	options->progress = [&](const std::string &step) { progress.step(step); };
	auto result = attach(arguments.pid, *options);
	if (!result) {
		if (follower)
			follower->stop();
		return report(result.error());
	}
	if (!result->note.empty() && !arguments.json && !arguments.attach.quiet)
		warn(result->note);
	print(*result, arguments.json);
	return exit_ok;
}

} // namespace

Action setup_attach(CLI::App &app)
{
	auto arguments = std::make_shared<Arguments>();
	app.add_option("PID", arguments->pid, "the process")->required()->check(is_task_id())->option_text(" ");
	auto *tids = app.add_option("--tid", arguments->tids, "this thread only; may be repeated (default: the main thread)");
	tids->option_text("T")->check(is_task_id())->allow_extra_args(false);
	declare_attach_options(app, arguments->attach);
	tids->excludes("--all");
	app.get_option("--all")->option_text(" ");
	app.add_flag("--json", arguments->json, "print what was done as JSON");
	return [arguments] { return run(*arguments); };
}

} // namespace decouple::cli
