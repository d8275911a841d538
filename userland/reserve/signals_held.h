/* SPDX-License-Identifier: GPL-2.0-only */
/* Signals by which a command is asked to end, blocked in a scope. */
#ifndef DECOUPLE_RESERVE_SIGNALS_HELD_H
#define DECOUPLE_RESERVE_SIGNALS_HELD_H

#include <signal.h>

namespace decouple
{

/* A command that was asked to end finishes its operation first; one that is killed leaves it to the next. */
class SignalsHeld
{
public:
	SignalsHeld()
	{
		sigset_t set;
		sigemptyset(&set);
		for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT})
			sigaddset(&set, signal);
		sigprocmask(SIG_BLOCK, &set, &before_);
	}
	~SignalsHeld() { sigprocmask(SIG_SETMASK, &before_, nullptr); }
	SignalsHeld(const SignalsHeld &) = delete;
	SignalsHeld &operator=(const SignalsHeld &) = delete;

private:
	sigset_t before_;
};

} // namespace decouple

#endif
