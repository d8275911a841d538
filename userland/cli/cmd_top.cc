/* SPDX-License-Identifier: GPL-2.0-only */
/* decouple top: decoupled threads and what they did since the last frame. */
#include "cli/command.h"
#include "cli/terminal.h"
#include "cli/thread_list.h"

#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>

namespace decouple::cli
{
namespace
{

using Clock = std::chrono::steady_clock;

struct Arguments {
	double interval_s = 1;
	unsigned iterations = 0; /* 0: until the user quits */
	bool once = false;
	bool json = false;
};

struct Frame {
	Clock::time_point time;
	std::map<pid_t, ThreadStatus> threads; /* by tid */
};

Frame take_frame()
{
	Frame frame;
	frame.time = Clock::now();
	for (const ThreadStatus &thread : status_all(Figures::kvm))
		frame.threads.emplace(thread.tid, thread);
	return frame;
}

struct Rates {
	double syscalls, exits, vm_exits, signals, faults;
};

/* Per second. A thread that was not there, or that started anew, counts from zero. */
Rates rates(const ThreadStatus &now, const Frame &before, double seconds)
{
	static const ThreadStatus fresh = {};
	auto found = before.threads.find(now.tid);
	const bool same = found != before.threads.end() && found->second.info.vcpu_tid == now.info.vcpu_tid;
	const ThreadStatus &then = same ? found->second : fresh;
	auto rate = [&](uint64_t SessionInfo::*counter) { return double(now.info.*counter - then.info.*counter) / seconds; };
	/* Another VM, as behind an unshare, starts anew. */
	const uint64_t vm_exits = kvm_figure(now.kvm, "exits"), vm_exits_then = kvm_figure(then.kvm, "exits");
	return {rate(&SessionInfo::syscalls), rate(&SessionInfo::exits),
		double(vm_exits - (vm_exits < vm_exits_then ? 0 : vm_exits_then)) / seconds, rate(&SessionInfo::signals),
		rate(&SessionInfo::faults)};
}

void print_json(const Frame &frame, const Frame &before, double seconds)
{
	nlohmann::ordered_json list = nlohmann::ordered_json::array();
	for (const auto &[tid, thread] : frame.threads) {
		const Rates rate = rates(thread, before, seconds);
		auto object = thread_json(thread, true);
		object["syscalls_per_s"] = rate.syscalls;
		object["exits_per_s"] = rate.exits;
		object["kvm_exits_per_s"] = rate.vm_exits;
		object["signals_per_s"] = rate.signals;
		object["faults_per_s"] = rate.faults;
		list.push_back(std::move(object));
	}
	nlohmann::ordered_json object = {{"interval_s", seconds}};
	object["threads"] = std::move(list);
	std::printf("%s\n", object.dump().c_str());
}

void print_table(const Frame &frame, const Frame &before, double seconds, const Terminal &terminal)
{
	const char *const end_line = terminal.is_screen() ? "\033[K\n" : "\n";
	if (terminal.is_screen())
		std::fputs("\033[H", stdout);
	std::printf("%zu decoupled thread%s; per second over %.1f s; q quits%s", frame.threads.size(),
		    frame.threads.size() == 1 ? "" : "s", seconds, end_line);
	std::printf("%7s %7s %4s %-10s %10s %9s %11s %9s %9s  %s%s", "PID", "TID", "CORE", "STATE", "SYSCALLS/s", "EXITS/s",
		    "KVM-EXITS/s", "SIGNALS/s", "FAULTS/s", "COMMAND", end_line);
	unsigned room = terminal.is_screen() ? terminal.rows() - 3 : ~0u;
	for (const auto &[tid, thread] : frame.threads) {
		if (!room--)
			break;
		const Rates rate = rates(thread, before, seconds);
		std::printf("%7d %7d %4u %-10s %10.0f %9.0f %11.0f %9.0f %9.0f  %s%s", thread.pid, tid, thread.info.core,
			    state_name(thread.info.state), rate.syscalls, rate.exits, rate.vm_exits, rate.signals, rate.faults,
			    thread_command(thread).c_str(), end_line);
	}
	if (terminal.is_screen())
		std::fputs("\033[J", stdout);
	else
		std::putchar('\n');
}

int run(const Arguments &arguments)
{
	Terminal terminal;
	const unsigned frames = arguments.once ? 1 : arguments.iterations;
	const auto interval_ms = unsigned(arguments.interval_s * 1000);
	if (terminal.is_screen() && !arguments.json && frames != 1)
		std::fputs("\033[2J", stdout);
	Frame before = take_frame();
	for (unsigned shown = 0; !frames || shown < frames; shown++) {
		if (terminal.quit_within(interval_ms))
			break;
		Frame frame = take_frame();
		const double seconds = std::chrono::duration<double>(frame.time - before.time).count();
		if (arguments.json)
			print_json(frame, before, seconds);
		else
			print_table(frame, before, seconds, terminal);
		if (std::fflush(stdout))
			return report(fail_errno("cannot print").error());
		before = std::move(frame);
	}
	return exit_ok;
}

} // namespace

Action setup_top(CLI::App &app)
{
	auto arguments = std::make_shared<Arguments>();
	app.add_option("--interval", arguments->interval_s, "time between frames (default: 1)")
		->option_text("SECONDS")
		->check(CLI::Range(0.1, 3600.0));
	auto *iterations = app.add_option("--iterations", arguments->iterations, "end after this many frames");
	iterations->option_text("N")->check(CLI::PositiveNumber);
	app.add_flag("--once", arguments->once, "one frame, then end")->excludes(iterations);
	app.add_flag("--json", arguments->json, "print as JSON, one line per frame");
	return [arguments] { return run(*arguments); };
}

} // namespace decouple::cli
