/* SPDX-License-Identifier: GPL-2.0-only */
/* decouple why: what took decoupled threads out of the guest, one line per disturbance, and totals per cause. */
#include "attribution.h"
#include "cli/cause.h"
#include "cli/command.h"

#include <csignal>
#include <cstdio>
#include <ctime>
#include <map>
#include <memory>

namespace decouple::cli
{
namespace
{

constexpr long poll_ns = 20'000'000; /* the module keeps 512 records for a core */

volatile std::sig_atomic_t interrupted;

struct Arguments {
	pid_t pid = 0; /* 0: all */
	double duration_s = 10;
	bool follow = false;
	bool totals = false;
	bool json = false;
};

struct Total {
	uint64_t count = 0, sum_ns = 0, max_ns = 0;
};
using Totals = std::map<std::string, Total>;

double now_s()
{
	timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return double(t.tv_sec) + double(t.tv_nsec) * 1e-9;
}

void print_event(const decouple_disturbance &d)
{
	std::printf("%14.6f %4u %7d %10.1f  %s\n", double(d.time) * 1e-9, d.core, d.tid, double(d.duration) * 1e-3,
		    causes_in_words(d).c_str());
}

nlohmann::ordered_json summary_json(const Totals &totals, const decouple_why_counts &counts, double seconds)
{
	nlohmann::ordered_json list = nlohmann::ordered_json::array();
	for (const auto &[cause, total] : totals)
		list.push_back({{"cause", cause}, {"count", total.count}, {"sum_ns", total.sum_ns}, {"max_ns", total.max_ns}});
	nlohmann::ordered_json object;
	object["totals"] = std::move(list);
	object["lost"] = counts.lost;
	object["self_initiated"] = counts.self_initiated;
	object["self_initiated_ns"] = counts.self_initiated_ns;
	object["duration_s"] = seconds;
	object["senders_known"] = (counts.tells & DECOUPLE_WHY_SENDERS) != 0;
	object["functions_known"] = (counts.tells & DECOUPLE_WHY_FUNCTIONS) != 0;
	object["smis_counted"] = (counts.tells & DECOUPLE_WHY_SMIS) != 0;
	return object;
}

void print_summary(const Totals &totals, const decouple_why_counts &counts, double seconds)
{
	uint64_t count = 0;
	for (const auto &[cause, total] : totals)
		count += total.count;
	std::printf("%s%lu disturbance%s in %.1f s; %llu exits that the guest asked for, %.1f us\n", count ? "\n" : "", count,
		    count == 1 ? "" : "s", seconds, counts.self_initiated, double(counts.self_initiated_ns) * 1e-3);
	if (count)
		std::printf("%9s %12s %10s  %s\n", "COUNT", "SUM us", "MAX us", "CAUSE");
	for (const auto &[cause, total] : totals)
		std::printf("%9lu %12.1f %10.1f  %s\n", total.count, double(total.sum_ns) * 1e-3, double(total.max_ns) * 1e-3,
			    cause.c_str());
	if (counts.lost)
		std::printf("%llu records were lost: they came faster than they were read\n", counts.lost);
	if (count && !(counts.tells & DECOUPLE_WHY_SENDERS))
		std::puts("this kernel does not tell who sends IPIs (Linux 6.5 and later do)");
}

bool ended(const Arguments &arguments, double since)
{
	if (interrupted || (!arguments.follow && now_s() - since >= arguments.duration_s))
		return true;
	return arguments.pid && kill(arguments.pid, 0) && errno == ESRCH;
}

int run(const Arguments &arguments)
{
	auto attribution = Attribution::open(arguments.pid);
	if (!attribution)
		return report(attribution.error());
	struct sigaction action = {};
	action.sa_handler = [](int) { interrupted = 1; };
	for (int signal : {SIGINT, SIGTERM, SIGHUP})
		sigaction(signal, &action, nullptr);

	const bool lines = !arguments.totals && (!arguments.json || arguments.follow),
		   keep = arguments.json && !arguments.follow;
	const double since = now_s();
	nlohmann::ordered_json events = nlohmann::ordered_json::array();
	Totals totals;
	if (lines && !arguments.json)
		std::printf("%14s %4s %7s %10s  %s\n", "TIME", "CORE", "TID", "us", "CAUSE");
	for (bool last = false; !last;) {
		last = ended(arguments, since); /* before the last look */
		auto disturbances = attribution->read();
		if (!disturbances)
			return report(disturbances.error());
		for (const decouple_disturbance &d : *disturbances) {
			Total &total = totals[cause_in_words(d)];
			total.count++;
			total.sum_ns += d.duration;
			total.max_ns = std::max<uint64_t>(total.max_ns, d.duration);
			if (lines && arguments.json)
				std::printf("%s\n", disturbance_json(d).dump().c_str());
			else if (lines)
				print_event(d);
			else if (keep && !arguments.totals)
				events.push_back(disturbance_json(d));
		}
		if (std::fflush(stdout))
			return report(fail_errno("cannot print").error());
		timespec pause = {0, poll_ns};
		if (!last)
			nanosleep(&pause, nullptr);
	}
	auto counts = attribution->counts();
	if (!counts)
		return report(counts.error());
	const double seconds = now_s() - since;
	if (arguments.json) {
		nlohmann::ordered_json object;
		if (keep)
			object["events"] = std::move(events);
		object.update(summary_json(totals, *counts, seconds));
		std::printf("%s\n", object.dump().c_str());
	} else {
		print_summary(totals, *counts, seconds);
	}
	return std::fflush(stdout) ? report(fail_errno("cannot print").error()) : exit_ok;
}

} // namespace

Action setup_why(CLI::App &app)
{
	auto arguments = std::make_shared<Arguments>();
	app.add_option("PID", arguments->pid, "one process (default: all, as root)")->check(is_task_id())->option_text(" ");
	auto *duration = app.add_option("--duration", arguments->duration_s, "how long to look (default: 10)");
	duration->option_text("SECONDS")->check(CLI::Range(0.1, 86400.0));
	app.add_flag("-f,--follow", arguments->follow, "until interrupted, or the process ends")->excludes(duration);
	app.add_flag("--totals", arguments->totals, "the totals only");
	app.add_flag("--json", arguments->json, "print as JSON");
	return [arguments] { return run(*arguments); };
}

} // namespace decouple::cli
