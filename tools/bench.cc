// SPDX-License-Identifier: GPL-2.0-only
// `decouple bench`: options, the list of benches, output.

#include "bench.h"

#include <cstdio>

#include <CLI/CLI.hpp>

#include "progress.h"
#include "suite.h"

namespace decouple::bench
{

namespace
{

constexpr Entry entries[] = {
	{"syscall", "getpid: native, decoupled, and by what Linux offers for having calls executed elsewhere", 20000,
	 bench_syscall},
	{"recouple", "a thread given back to Linux and taken again", 2000, bench_recouple},
	{"fault", "first and second touch of memory, native and decoupled", 8192, bench_fault},
	{"attach", "taking a running process: total, stop, kernel memory", 20, bench_attach},
	{"reflector", "module and signal reflector: wake-up, signal handler, stop of an attach", 200, bench_reflector},
	{"doorbell", "stores to a device's register, native and decoupled", 100000, bench_doorbell, prepare_doorbell},
	{"compute", "memory, vector and integer work, native and decoupled", 200, bench_compute},
};

struct Arguments {
	std::string name, plot, cores;
	bool json = false, no_rt = false;
	unsigned samples = 0;
	Doorbell doorbell = {};
};

int list(bool json)
{
	const char *separator = "";
	if (json)
		printf("{\"benches\":[");
	for (const Entry &entry : entries) {
		if (json)
			printf("%s{\"name\":\"%s\",\"summary\":\"%s\"}", separator, entry.name, entry.summary);
		else
			printf("%-10s %s\n", entry.name, entry.summary);
		separator = ",";
	}
	if (json)
		printf("]}\n");
	return 0;
}

int complain(const Error &error)
{
	fprintf(stderr, "decouple: bench: %s\n", error.what.c_str());
	return error.code == EINVAL ? 2 : error.code == EOPNOTSUPP ? 4 : 1;
}

int run(const Entry &entry, const Arguments &arguments)
{
	auto cores = choose_core_pair(arguments.cores);
	if (!cores)
		return complain(cores.error());
	if (!arguments.plot.empty())
		if (auto able = check_plotter(); !able)
			return complain(able.error());

	std::string name = std::string("bench ") + entry.name;
	Options options = {.samples = arguments.samples ? arguments.samples : entry.samples,
			   .cores = *cores,
			   .rt = false,
			   .progress = [name](const std::string &step) { show_progress(name, step); },
			   .doorbell = arguments.doorbell};
	if (entry.prepare)
		if (auto prepared = entry.prepare(options); !prepared)
			return complain(prepared.error());

	Report report;
	report.bench = entry.name;
	bool rt = false;
	if (!arguments.no_rt) {
		// Tried on ourselves; what is permitted here is permitted in the forks.
		auto raised = set_realtime(0, 1);
		rt = raised.has_value();
		if (rt)
			set_realtime(0, 0);
		else
			report.notes.push_back("without real-time priority: " + raised.error().what + " (errno " +
					       std::to_string(raised.error().code) + ")");
	}
	report.host = read_host(*cores, rt);
	options.rt = rt;
	entry.run(options, report);
	show_progress(name, "");
	if (arguments.json)
		print_json(report);
	else
		print_table(report);
	if (!arguments.plot.empty())
		if (auto drawn = plot(report, arguments.plot); !drawn)
			return complain(drawn.error());
	return report.exit_code;
}

int parse_and_run(int argc, char **argv)
{
	Arguments arguments;
	CLI::App app("Measure decoupled execution side by side with native execution. Without NAME, the benches are listed.",
		     "decouple bench");
	app.add_option("NAME", arguments.name, "bench to run");
	app.add_flag("--json", arguments.json, "JSON on standard output");
	app.add_option("--plot", arguments.plot, "also draw a chart (SVG, needs gnuplot)")->type_name("FILE");
	app.add_option("--samples", arguments.samples, "samples per row")->check(CLI::Range(1u, 100'000'000u));
	app.add_option("--cores", arguments.cores, "dedicated and service core; default: the last and the first allowed one")
		->type_name("D,S");
	app.add_option("--resource", arguments.doorbell.resource,
		       "doorbell: the device's file, such as a PCI function's resource0")
		->type_name("FILE");
	app.add_option("--offset", arguments.doorbell.offset, "doorbell: of the register in it")->type_name("BYTES");
	app.add_option("--value", arguments.doorbell.value, "doorbell: what is stored, in 4 bytes")->type_name("N");
	app.add_flag("--no-rt", arguments.no_rt, "no SCHED_RR for the measuring sides");
	try {
		app.parse(argc, argv);
	} catch (const CLI::ParseError &error) {
		return app.exit(error) ? 2 : 0; // CLI11 has codes of its own; ours for usage is 2
	}
	if (arguments.name.empty())
		return list(arguments.json);
	for (const Entry &entry : entries)
		if (arguments.name == entry.name)
			return run(entry, arguments);
	fprintf(stderr, "decouple: bench: no bench is called %s; `decouple bench` lists them\n", arguments.name.c_str());
	return 2;
}

} // namespace

} // namespace decouple::bench

int decouple_bench_main(int argc, char **argv)
{
	// CLI11, the JSON library and the allocator throw; nothing of that may reach the caller, which is built to know no exceptions.
	try {
		return decouple::bench::parse_and_run(argc, argv);
	} catch (const std::exception &error) {
		fprintf(stderr, "decouple: bench: %s\n", error.what());
		return 1;
	}
}
