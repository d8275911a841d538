/* SPDX-License-Identifier: GPL-2.0-only */
/* decouple cores: take cores from Linux for decoupling, give them back, and show whose they are. */
#include "cli/command.h"
#include "cli/cores_config.h"
#include "cli/cores_list.h"
#include "core_list.h"
#include "clock.h"
#include "session.h"

#include <cstdio>
#include <memory>

namespace decouple::cli
{
namespace
{

using Json = nlohmann::ordered_json;

struct Arguments {
	std::string action = "list", list, siblings, hush, config;
	bool verbose = false, json = false;
};

int usage(const std::string &what)
{
	warn(what + "; see `decouple cores --help`");
	return exit_usage;
}

/* Core -> thread, of all that are decoupled by now. */
std::multimap<int, pid_t> decoupled_threads()
{
	std::multimap<int, pid_t> threads;
	for (const ThreadStatus &thread : status_all())
		if (thread.info.state != SessionState::recoupled && thread.info.state != SessionState::failed)
			threads.emplace(static_cast<int>(thread.info.core), thread.tid);
	return threads;
}

std::string dumped(const Json &object)
{
	return object.dump(-1, ' ', false, Json::error_handler_t::replace); /* names of tasks may be no UTF-8 */
}

void tell_repairs(const Reservation &reservation)
{
	for (const std::string &line : reservation.repaired())
		warn(line);
}

int list(const Arguments &arguments)
{
	Tree tree;
	auto reservation = Reservation::open(tree, false);
	if (!reservation)
		return report(reservation.error());
	tell_repairs(*reservation);
	std::vector<std::string> notes;
	const auto cores = read_core_facts(tree, *reservation, decoupled_threads(), notes);
	if (arguments.json) {
		Json object = {{"cores", Json::array()}, {"notes", notes}, {"repaired", reservation->repaired()}};
		for (const CoreFacts &facts : cores)
			object["cores"].push_back(core_json(facts));
		std::printf("%s\n", dumped(object).c_str());
		return exit_ok;
	}
	print_core_table(cores, arguments.verbose);
	for (const std::string &note : notes)
		std::printf("note: %s\n", note.c_str());
	return exit_ok;
}

Json steps_json(const ReserveReport &done)
{
	Json steps = Json::array();
	for (const DoneStep &step : done.steps)
		steps.push_back({{"what", step.step.what},
				 {"path", step.step.path},
				 {"old", trimmed(step.step.old)},
				 {"new", trimmed(step.step.next)},
				 {"elapsed_us", step.elapsed_us},
				 {"error", step.error}});
	return steps;
}

void print_step(const DoneStep &done)
{
	const Step &step = done.step;
	const std::string error = done.error.empty() ? "" : ": " + done.error;
	if (step.kind == Step::make_directory || step.kind == Step::remove_directory)
		std::printf("%s %s%s\n", step.kind == Step::make_directory ? "mkdir" : "rmdir", step.path.c_str(),
			    error.c_str());
	else if (step.kind == Step::task && step.old != step.next)
		std::printf("%s: %s -> %s%s\n", step.what.c_str(), step.old.c_str(), step.next.c_str(), error.c_str());
	else if (step.kind == Step::write || step.kind == Step::hush)
		std::printf("%s: %s -> %s%s (%s)\n", step.what.c_str(), trimmed(step.old).c_str(), trimmed(step.next).c_str(),
			    error.c_str(), step.path.c_str());
}

/* done: reserved or released. */
void print_report(const char *word, const ReserveReport &done, const Reservation &reservation, long elapsed_us,
		  const Arguments &arguments)
{
	const CoreSet service = without(reservation.topology().online, reservation.state().all());
	if (arguments.json) {
		Json object = {{word, format_list(done.cores)},
			       {"cores", format_list(reservation.state().cores)},
			       {"idle", format_list(reservation.state().idle)},
			       {"service", format_list(service)},
			       {"moved_interrupts", done.moved_interrupts},
			       {"moved_tasks", done.moved_tasks},
			       {"bound_threads", done.bound_threads},
			       {"kept", done.kept},
			       {"notes", done.notes},
			       {"repaired", reservation.repaired()},
			       {"elapsed_us", elapsed_us}};
		if (arguments.verbose)
			object["steps"] = steps_json(done);
		std::printf("%s\n", dumped(object).c_str());
		return;
	}
	if (done.cores.empty()) {
		std::printf("nothing to be %s\n", word);
		return;
	}
	if (arguments.verbose)
		for (const DoneStep &step : done.steps)
			print_step(step);
	std::printf("core%s %s %s in %.1f ms; Linux has %s\n", done.cores.size() == 1 ? "" : "s",
		    format_list(done.cores).c_str(), word, static_cast<double>(elapsed_us) / 1000,
		    format_list(service).c_str());
	if (done.bound_threads)
		std::printf("stay: %zu kernel threads that belong to these cores\n", done.bound_threads);
	for (const std::string &line : done.kept)
		std::printf("kept: %s\n", line.c_str());
	for (const std::string &line : done.notes)
		std::printf("note: %s\n", line.c_str());
}

/* Reserves or releases what `cores` says; a configuration file makes both of them content with what is done already. */
int change(const Arguments &arguments, const CoresConfig &wanted, bool all)
{
	const long begin = monotonic_ns();
	const bool reserving = arguments.action == "reserve", standing = !arguments.config.empty();
	if (standing && wanted.cores.empty()) {
		if (arguments.json)
			std::printf("%s\n", dumped({{reserving ? "reserved" : "released", ""}}).c_str());
		else
			std::printf("%s names no cores: nothing to be done\n", arguments.config.c_str());
		return exit_ok;
	}
	Tree tree;
	auto reservation = Reservation::open(tree, true);
	if (!reservation)
		return report(reservation.error());
	tell_repairs(*reservation);
	Result<ReserveReport> done;
	if (reserving) {
		done = reservation->reserve({wanted.cores, wanted.siblings, wanted.hush_ms, standing});
	} else {
		const auto threads = decoupled_threads();
		done = reservation->release({all ? CoreSet() : wanted.cores, standing, {threads.begin(), threads.end()}});
	}
	if (!done)
		return report(done.error());
	print_report(reserving ? "reserved" : "released", *done, *reservation, (monotonic_ns() - begin) / 1000, arguments);
	return exit_ok;
}

int run(const Arguments &arguments)
{
	const bool reserving = arguments.action == "reserve", releasing = arguments.action == "release";
	if (!reserving && (!arguments.siblings.empty() || !arguments.hush.empty()))
		return usage("--siblings and --hush belong to `decouple cores reserve`");
	if (!reserving && !releasing) {
		if (!arguments.list.empty() || !arguments.config.empty())
			return usage("`decouple cores list` takes no cores");
		return list(arguments);
	}
	CoresConfig wanted;
	if (!arguments.config.empty()) {
		if (!arguments.list.empty() || !arguments.siblings.empty() || !arguments.hush.empty())
			return usage("--config stands for the cores and for --siblings and --hush");
		auto config = read_cores_config(arguments.config);
		if (!config)
			return report(config.error());
		return change(arguments, *config, false);
	}
	if (arguments.list.empty())
		return usage("`decouple cores " + arguments.action + "` needs a list of cores");
	const bool all = releasing && arguments.list == "all";
	if (!all) {
		auto cores = parse_core_list(arguments.list);
		if (!cores)
			return usage(cores.error().what);
		wanted.cores = CoreSet(cores->begin(), cores->end());
	}
	if (!arguments.siblings.empty())
		wanted.siblings = *parse_siblings(arguments.siblings);
	if (!arguments.hush.empty()) {
		wanted.hush_ms = parse_hush(arguments.hush);
		if (!wanted.hush_ms)
			return usage("--hush=" + arguments.hush + ": not a number of milliseconds from " +
				     std::to_string(hush_least) + " to " + std::to_string(hush_most));
	}
	return change(arguments, wanted, all);
}

} // namespace

Action setup_cores(CLI::App &app)
{
	auto arguments = std::make_shared<Arguments>();
	app.add_option("ACTION", arguments->action, "list (without: list), reserve, release")
		->check(CLI::IsMember({"list", "reserve", "release"}))
		->option_text(" ");
	app.add_option("LIST", arguments->list, "the cores, as 2,4-7; release takes `all` as well")->option_text(" ");
	app.add_option("--siblings", arguments->siblings,
		       "SMT siblings: leave them to Linux (default), take them too, keep them idle")
		->option_text("WHAT")
		->check(CLI::IsMember({"leave", "take", "idle"}));
	app.add_flag("--hush{" + std::to_string(hush_default) + "}", arguments->hush,
		     "--hush=MS: one timer tick in MS milliseconds at most (1000); needs the kernel module");
	app.add_option("--config", arguments->config, "the cores of this file, so far as that is not done")
		->option_text("FILE");
	app.add_flag("-v,--verbose", arguments->verbose, "every step with old and new value");
	app.add_flag("--json", arguments->json, "print as JSON");
	return [arguments] { return run(*arguments); };
}

} // namespace decouple::cli
