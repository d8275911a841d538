// SPDX-License-Identifier: GPL-2.0-only
// The process that reserves and releases.

#include "churn.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <new>

#include "own_command.h"

namespace decouple::noise
{

namespace
{

Result<> command(const std::string &verb, int core)
{
	auto done = TRY(run_own({"cores", verb, std::to_string(core)}));
	if (!done.status)
		return {};
	std::string said = done.message.substr(0, done.message.find('\n'));
	return fail(done.status == 4 ? EOPNOTSUPP : EIO, "--churn " + std::to_string(core) + ": decouple cores " + verb +
								 " ended with status " + std::to_string(done.status) + ": " +
								 said);
}

bool asked_to_end(const Churn::Shared &shared)
{
	sigset_t pending;
	sigpending(&pending);
	return shared.stop.load() || sigismember(&pending, SIGTERM);
}

void churn(Churn::Shared &shared, int core)
{
	// Not killed with the rest, and not by a key on the terminal: it would leave the core reserved.
	setsid();
	sigset_t term;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, nullptr);
	pid_t parent = getppid();
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	while (!asked_to_end(shared) && getppid() == parent) {
		// Released in any case: a reserve that failed half way rolls back, and a release of what isn't reserved changes nothing.
		const bool reserved = command("reserve", core).has_value(), released = command("release", core).has_value();
		(reserved && released ? shared.cycles : shared.failed).fetch_add(1);
	}
}

} // namespace

Result<Churn> Churn::start(int core)
{
	TRY(command("reserve", core));
	TRY(command("release", core));
	void *memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return fail_errno("cannot map memory for --churn");
	Churn started;
	started.shared_ = new (memory) Shared{};
	Shared &shared = *started.shared_;
	started.child_ = TRY(bench::Child::start(
		"--churn", [] { return 0; }, [&] { churn(shared, core); }));
	return started;
}

Churn::~Churn()
{
	if (!shared_)
		return;
	shared_->stop.store(1);
	std::string how;
	// A reserve and a release take well below a second; a hung one must not hold up the report for ever.
	for (int i = 0; i < 3000 && child_.alive(how); i++)
		usleep(10'000);
	child_.kill();
	munmap(shared_, sizeof(Shared));
}

} // namespace decouple::noise
