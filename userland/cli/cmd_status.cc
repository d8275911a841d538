/* SPDX-License-Identifier: GPL-2.0-only */
/* decouple status: the decoupled threads of one process, or of all that the caller may look into. */
#include "cli/command.h"
#include "cli/thread_list.h"

#include <cstdio>
#include <memory>

namespace decouple::cli
{
namespace
{

struct Arguments {
	pid_t pid = 0;
	bool verbose = false;
	bool json = false;
};

void print_json(const std::vector<ThreadStatus> &threads, bool verbose)
{
	nlohmann::ordered_json list = nlohmann::ordered_json::array();
	for (const ThreadStatus &thread : threads)
		list.push_back(thread_json(thread, verbose));
	nlohmann::ordered_json object;
	object["threads"] = std::move(list);
	std::printf("%s\n", object.dump().c_str());
}

/* "NAME N, NAME N, ..." in lines of some 100 characters. */
void print_kvm(const std::vector<KvmFigure> &figures)
{
	constexpr size_t width = 100;
	std::string line;
	for (const KvmFigure &figure : figures) {
		const std::string entry = figure.name + " " + std::to_string(figure.value);
		if (!line.empty() && line.size() + entry.size() > width) {
			std::printf("        KVM: %s\n", line.c_str());
			line.clear();
		}
		line += (line.empty() ? "" : ", ") + entry;
	}
	if (!line.empty())
		std::printf("        KVM: %s\n", line.c_str());
}

void print_details(const ThreadStatus &thread)
{
	const SessionInfo &info = thread.info;
	std::printf("        service core %u, vCPU thread %d, captures %lu, recouples %lu, signals %lu, faults %lu\n",
		    info.service_core, info.vcpu_tid, info.captures, info.recouples, info.signals, info.faults);
	std::printf("        page exits %lu, doorbells %lu, events %lu, clones %lu, last system call %lu\n", info.page_exits,
		    info.doorbells, info.events, info.clones, info.last_syscall);
	if (info.reason != Reason::none)
		std::printf("        %s (%ld)\n", reason_text(info.reason), info.detail);
	if (info.error)
		std::printf("        set-up failed: %s\n", std::strerror(-info.error));
	print_kvm(thread.kvm);
}

void print_table(const std::vector<ThreadStatus> &threads, bool verbose)
{
	if (threads.empty()) {
		std::puts("no decoupled threads");
		return;
	}
	std::printf("%7s %7s %4s %-10s %-9s %12s %10s  %s\n", "PID", "TID", "CORE", "STATE", "REFLECTOR", "SYSCALLS", "EXITS",
		    "COMMAND");
	for (const ThreadStatus &thread : threads) {
		const SessionInfo &info = thread.info;
		std::printf("%7d %7d %4u %-10s %-9s %12lu %10lu  %s\n", thread.pid, thread.tid, info.core,
			    state_name(info.state), thread.module ? "module" : "signal", info.syscalls, info.exits,
			    thread_command(thread).c_str());
		if (verbose)
			print_details(thread);
	}
}

int run(const Arguments &arguments)
{
	const Figures figures = arguments.verbose ? Figures::kvm : Figures::counters;
	std::vector<ThreadStatus> threads;
	if (arguments.pid) {
		auto found = status(arguments.pid, figures);
		if (!found)
			return report(found.error());
		threads = std::move(*found);
	} else {
		threads = status_all(figures);
	}
	if (arguments.json)
		print_json(threads, arguments.verbose);
	else
		print_table(threads, arguments.verbose);
	return exit_ok;
}

} // namespace

Action setup_status(CLI::App &app)
{
	auto arguments = std::make_shared<Arguments>();
	app.add_option("PID", arguments->pid, "one process (default: all)")->check(is_task_id())->option_text(" ");
	app.add_flag("-v,--verbose", arguments->verbose, "all counters, and KVM's statistics of the vCPU");
	app.add_flag("--json", arguments->json, "print as JSON");
	return [arguments] { return run(*arguments); };
}

} // namespace decouple::cli
