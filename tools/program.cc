// SPDX-License-Identifier: GPL-2.0-only
// node and java, computing and allocating on their main path, with a pause now and then.

#include "program.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "host.h"
#include "placement.h"

namespace decouple::bench
{

namespace
{

constexpr const char *javascript =
	"let kept = []; setInterval(() => { for (let i = 0; i < 20000; i++) kept.push({i, s: 'v' + i});"
	" if (kept.length > 200000) kept = []; }, 5)";

constexpr const char *java = R"(import java.util.ArrayList;

public class Busy {
	public static void main(String[] arguments) throws InterruptedException {
		for (ArrayList<String> kept = new ArrayList<>();; Thread.sleep(5)) {
			for (int i = 0; i < 20000; i++)
				kept.add("v" + i);
			if (kept.size() > 200000)
				kept.clear();
		}
	}
}
)";

Result<> write_source(const Program &program, SourceFile &file)
{
	file.dir = "/tmp/decouple-bench-XXXXXX";
	if (!mkdtemp(file.dir.data()))
		return fail_errno("cannot make a directory in /tmp for the source of " + std::string(program.name));
	file.path = file.dir + "/" + program.source_name;
	std::ofstream out(file.path);
	out << program.source;
	out.close();
	if (!out)
		return fail(EIO, "cannot write " + file.path);
	return {};
}

} // namespace

SourceFile::~SourceFile()
{
	if (path.empty())
		return;
	unlink(path.c_str());
	rmdir(dir.c_str());
}

const std::vector<Program> &programs()
{
	static const std::vector<Program> list = {
		{"node", {"-e", javascript}, nullptr, nullptr},
		{"java", {"SOURCE"}, java, "Busy.java"},
	};
	return list;
}

Result<RunningProgram> start_program(const Program &program, int core)
{
	if (!installed(program.name))
		return fail(EOPNOTSUPP, std::string(program.name) + " is not installed");
	auto file = std::make_unique<SourceFile>();
	if (program.source)
		if (auto written = write_source(program, *file); !written)
			return std::unexpected(std::move(written.error()));
	std::vector<const char *> argv = {program.name};
	for (const std::string &argument : program.arguments)
		argv.push_back(argument == "SOURCE" ? file->path.c_str() : argument.c_str());
	argv.push_back(nullptr);
	auto prepare = [&] {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);
		for (int fd = 0; fd < 3; fd++)
			if (null < 0 || dup2(null, fd) < 0)
				return errno;
		auto pinned = pin(0, core);
		return pinned ? 0 : pinned.error().code;
	};
	auto run = [&] { execvp(argv[0], const_cast<char *const *>(argv.data())); };
	auto child = TRY(Child::start(program.name, prepare, run));
	timespec warm_up = {1, 500'000'000};
	nanosleep(&warm_up, nullptr);
	std::string how;
	if (!child.alive(how))
		return fail(ECHILD,
			    std::string(program.name) + " ended while it warmed up (" + how + ")" +
				    (program.source ? "; running a source file may need more of it to be installed" : ""));
	return RunningProgram{std::move(file), std::move(child)};
}

} // namespace decouple::bench
