/* SPDX-License-Identifier: GPL-2.0-only */
/* decouple run: start a program that is decoupled from its first instruction, and end as it ends. */
#include "cli/attach_options.h"
#include "cli/child.h"
#include "cli/follower.h"
#include "cli/progress.h"

#include <memory>

namespace decouple::cli
{
namespace
{

struct Arguments {
	std::vector<std::string> program;
	AttachArguments attach;
	bool best_effort = false;
};

/* Why the program can't be decoupled, and the exit code of that. */
struct Refusal {
	Error error;
	int exit_code;
};

/* What can be known before the program starts. */
std::expected<AttachOptions, Refusal> prepare(const AttachArguments &arguments)
{
	auto options = attach_options(arguments);
	if (!options)
		return std::unexpected(Refusal{options.error(), exit_unavailable});
	if (auto kvm = check_kvm(); !kvm)
		return std::unexpected(Refusal{kvm.error(), exit_unavailable});
	if (auto cores = choose_cores({options->cores, options->service_cores, 1, options->reflector, 0, options->follow});
	    !cores)
		return std::unexpected(Refusal{cores.error(), exit_failed});
	return *options;
}

/* True: the program goes on natively. */
bool natively(const Arguments &arguments, const Error &error)
{
	warn(error.what +
	     (arguments.best_effort ? " (--best-effort: the program runs natively)" : "; the program was not run"));
	return arguments.best_effort;
}

int run(const Arguments &arguments)
{
	auto options = prepare(arguments.attach);
	if (!options && !natively(arguments, options.error().error))
		return options.error().exit_code;

	std::unique_ptr<Follower> follower;
	if (options && options->follow) {
		auto started = Follower::start(*options, Follower::Messages::to_stderr);
		if (!started)
			return report(started.error());
		follower = std::move(*started);
		options->follow_socket = follower->socket_name();
	}
	auto child = Child::start(arguments.program);
	if (!child)
		return report(child.error());
	if (child->ended())
		return child->exit_status();
	if (!options) {
		child->release();
		return child->wait();
	}

	Result<AttachReport> attached;
	{
		Progress progress("decoupling " + arguments.program[0]);
		options->or_natively = arguments.best_effort;
		options->progress = [&](const std::string &step) { progress.step(step); };
		attached = attach_stopped(child->pid(), *options);
	}
	if (attached && !attached->note.empty() && !arguments.attach.quiet)
		warn(attached->note);
	if (!attached) {
		if (!natively(arguments, attached.error())) {
			child->kill_now();
			return exit_code(attached.error());
		}
	}
	follower.reset(); /* it goes on by itself, as long as somebody needs it */
	return child->wait();
}

} // namespace

Action setup_run(CLI::App &app, std::vector<std::string> program)
{
	auto arguments = std::make_shared<Arguments>();
	arguments->program = std::move(program);
	declare_attach_options(app, arguments->attach);
	app.add_flag("--best-effort", arguments->best_effort, "run natively, with a warning, where decoupling is not possible");
	app.callback([arguments] {
		if (arguments->program.empty())
			throw CLI::ValidationError("the program is missing: put it behind `--`");
	});
	return [arguments] { return run(*arguments); };
}

} // namespace decouple::cli
