/* SPDX-License-Identifier: GPL-2.0-only */
/* A thread of ours in a program that is not: no signal of the program comes to it. */
#ifndef DECOUPLE_QUIET_THREAD_H
#define DECOUPLE_QUIET_THREAD_H

#include <signal.h>

#include <thread>
#include <utility>

namespace decouple
{

template <class Body> std::thread quiet_thread(Body body)
{
	sigset_t all, before;
	sigfillset(&all);
	/* A thread starts with the mask of the one that makes it. */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	std::thread thread(std::move(body));
	pthread_sigmask(SIG_SETMASK, &before, nullptr);
	return thread;
}

} // namespace decouple

#endif
