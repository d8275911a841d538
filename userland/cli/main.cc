/* SPDX-License-Identifier: GPL-2.0-only */
/* The command table. Exceptions of CLI11 and of the standard library end here. */
#include "cli/command.h"
#include "tools/bench.h"
#include "tools/noise.h"

#include <cstdio>
#include <cstring>

namespace decouple::cli
{
namespace
{

const Command commands[] = {
	{"attach", "[attach] PID [OPTIONS]", "decouple threads of a running process", setup_attach, nullptr, nullptr},
	{"run", "run [OPTIONS] -- PROG [ARGS...]", "start a program decoupled", nullptr, setup_run, nullptr},
	{"recouple", "recouple PID [OPTIONS]", "give threads back to Linux", setup_recouple, nullptr, nullptr},
	{"status", "status [PID] [OPTIONS]", "list decoupled threads", setup_status, nullptr, nullptr},
	{"top", "top [OPTIONS]", "watch decoupled threads", setup_top, nullptr, nullptr},
	{"why", "why [PID] [OPTIONS]", "what took decoupled threads out of the guest", setup_why, nullptr, nullptr},
	{"cores", "cores [list|reserve LIST|release LIST|release all] [OPTIONS]", "take cores from Linux, give them back",
	 setup_cores, nullptr, nullptr},
	{"dev", "dev [list|bind BDF...|unbind BDF...|unbind all] [OPTIONS]", "give PCI functions to user space, take them back",
	 setup_dev, nullptr, nullptr},
	{"probe", "probe [PID] [OPTIONS]", "show what this host (and a process) allows", setup_probe, nullptr, nullptr},
	{"bench", "bench [NAME] [OPTIONS]", "measure, side by side with native execution", nullptr, nullptr,
	 decouple_bench_main},
	{"noise", "noise [OPTIONS]", "measure what disturbs a core", nullptr, nullptr, decouple_noise_main},
};

void print_help(FILE *out)
{
	std::fputs("Moves threads of unmodified Linux programs onto cores of their own, and gives them back.\n\nUsage:\n", out);
	for (const Command &command : commands)
		std::fprintf(out, "  decouple %-32s %s\n", command.synopsis, command.summary);
	std::fputs("  decouple --help | --version\n\n"
		   "`decouple COMMAND --help` and decouple-COMMAND(1) say more. Listings have --json.\n"
		   "Exit codes: 0 ok, 1 failed, 2 usage, 4 not available here.\n",
		   out);
}

int usage(const std::string &what, const std::string &help)
{
	warn(what + "; see `" + help + "`");
	return exit_usage;
}

bool is_number(const char *text)
{
	return *text && std::strspn(text, "0123456789") == std::strlen(text);
}

const Command *find(const char *name)
{
	for (const Command &command : commands)
		if (!std::strcmp(name, command.name))
			return &command;
	return nullptr;
}

/* CLI11's help under the synopsis of the table. */
class Synopsis : public CLI::Formatter
{
public:
	explicit Synopsis(std::string text) : text_(std::move(text)) { column_width(32); }
	std::string make_usage(const CLI::App *, std::string) const override { return "Usage: decouple " + text_ + "\n"; }

private:
	std::string text_;
};

/* args: what follows the command's name. */
int dispatch(const Command &command, std::vector<std::string> args)
{
	const std::string name = std::string("decouple ") + command.name;
	CLI::App app(command.summary, name);
	Action action;
	if (command.setup_program) {
		auto mark = std::find(args.begin(), args.end(), "--");
		std::vector<std::string> program;
		if (mark != args.end())
			program.assign(mark + 1, args.end());
		args.erase(mark, args.end());
		action = command.setup_program(app, std::move(program));
	} else {
		action = command.setup(app);
	}
	app.formatter(std::make_shared<Synopsis>(command.synopsis));
	try {
		std::reverse(args.begin(), args.end()); /* CLI11 takes them last one first */
		app.parse(std::move(args));
	} catch (const CLI::CallForHelp &) {
		std::fputs(app.help().c_str(), stdout);
		return exit_ok;
	} catch (const CLI::ParseError &error) {
		return usage(error.what(), name + " --help");
	}
	return action();
}

int run(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return exit_usage;
	}
	const std::string first = argv[1];
	if (first == "--help" || first == "-h") {
		print_help(stdout);
		return exit_ok;
	}
	if (first == "--version") {
		std::puts("decouple " DECOUPLE_VERSION);
		return exit_ok;
	}
	const Command *command = find(argv[1]);
	int skip = 2;
	/* `decouple PID ...` and `decouple --all PID`: the command without a name. */
	if (!command && (is_number(argv[1]) || first[0] == '-')) {
		command = find("attach");
		skip = 1;
	}
	if (!command)
		return usage("no command `" + first + "`", "decouple --help");
	if (command->raw)
		return command->raw(argc - 1, argv + 1);
	return dispatch(*command, std::vector<std::string>(argv + skip, argv + argc));
}

} // namespace
} // namespace decouple::cli

int main(int argc, char **argv)
{
	try {
		return decouple::cli::run(argc, argv);
	} catch (const std::exception &error) {
		decouple::cli::warn(std::string("unexpected: ") + error.what());
	}
	return decouple::cli::exit_failed;
}
