// SPDX-License-Identifier: GPL-2.0-only
// `decouple noise`: options and output.

#include "noise.h"

#include <unistd.h>

#include <cstdio>

#include <CLI/CLI.hpp>

#include "noise_run.h"
#include "progress.h"

namespace decouple::noise
{

namespace
{

int complain(const Error &error)
{
	fprintf(stderr, "decouple: noise: %s\n", error.what.c_str());
	return error.code == EINVAL ? 2 : error.code == EOPNOTSUPP ? 4 : 1;
}

// Before the measurement, since that takes long. Nothing is made or changed yet.
Result<> check_writable(const std::string &path)
{
	const size_t slash = path.rfind('/');
	const std::string directory = slash == path.npos ? "." : path.substr(0, slash + 1);
	if (!access(path.c_str(), F_OK) ? access(path.c_str(), W_OK) : access(directory.c_str(), W_OK | X_OK))
		return fail_errno("--html: cannot write " + path);
	return {};
}

int run(const NoiseArguments &arguments)
{
	auto plan = make_plan(arguments);
	if (!plan)
		return complain(plan.error());
	if (!plan->causes.empty() && access(plan->causes.c_str(), R_OK))
		return complain(fail_errno("--causes: cannot read " + plan->causes).error());
	if (!plan->html.empty())
		if (auto writable = check_writable(plan->html); !writable)
			return complain(writable.error());
	plan->progress = [](const std::string &step) { bench::show_progress("noise", step); };
	auto result = measure_noise(*plan);
	plan->progress("");
	if (!result)
		return complain(result.error());
	if (arguments.json)
		print_json(*result);
	else
		print_table(*result);
	if (!plan->html.empty())
		if (auto written = write_html(*result, plan->html); !written)
			return complain(written.error());
	return result->exit_code;
}

int parse_and_run(int argc, char **argv)
{
	NoiseArguments arguments;
	CLI::App app("Measure what disturbs a thread on its core: natively on a plain core, natively on a reserved one, and "
		     "decoupled, "
		     "in one run, by turns.",
		     "decouple noise");
	const CLI::Range cores(0, 8191);
	app.add_option("--core", arguments.core, "plain core (default: the last allowed one)")->check(cores)->type_name("N");
	app.add_option("--reserved", arguments.reserved, "reserved core (default: the last one, if there is any)")
		->check(cores)
		->type_name("N");
	app.add_option("--test", arguments.tests, "of fwq,ftq,gaps (default: all)")->type_name("LIST");
	app.add_option("--quantum", arguments.quantum, "of fwq and ftq (default: 100us)")->type_name("TIME");
	app.add_option("--samples", arguments.samples, "of fwq and ftq, each variant (default: 50000)")
		->check(CLI::Range(10u, 10'000'000u))
		->type_name("N");
	app.add_option("--threshold", arguments.threshold, "above which a gap is one (default: 100ns)")->type_name("TIME");
	app.add_option("--duration", arguments.duration, "of looking for gaps, each variant (default: 10s)")->type_name("TIME");
	app.add_option("--rounds", arguments.rounds, "turns of each variant (default: 10)")
		->check(CLI::Range(1u, 10'000u))
		->type_name("N");
	app.add_option("--load", arguments.load, "on the service cores, of ipc,cache,net")->type_name("LIST");
	app.add_option("--churn", arguments.churn, "core to be reserved and released meanwhile")->check(cores)->type_name("N");
	app.add_option("--budget", arguments.budget, "p99.99=2us,max=50us,gaps=10/min[,variant=V]; status 1 if not kept")
		->type_name("LIMITS");
	app.add_option("--reflector", arguments.reflector, "auto, module or signal")
		->check(CLI::IsMember({"auto", "module", "signal"}))
		->type_name("R");
	app.add_option("--causes", arguments.causes, "what `decouple why --json` said, instead of asking it")
		->type_name("FILE");
	app.add_flag("--no-why", arguments.no_why, "don't look for causes: that makes each disturbance longer");
	app.add_option("--html", arguments.html, "also write a report, one file")->type_name("FILE");
	app.add_flag("--json", arguments.json, "JSON on standard output");
	try {
		app.parse(argc, argv);
	} catch (const CLI::ParseError &error) {
		return app.exit(error) ? 2 : 0; // CLI11 has codes of its own; ours for usage is 2
	}
	return run(arguments);
}

} // namespace

} // namespace decouple::noise

int decouple_noise_main(int argc, char **argv)
{
	// CLI11, the JSON library and the allocator throw; nothing of that may reach the caller, which is built to know no exceptions.
	try {
		return decouple::noise::parse_and_run(argc, argv);
	} catch (const std::exception &error) {
		fprintf(stderr, "decouple: noise: %s\n", error.what());
		return 1;
	}
}
