/* SPDX-License-Identifier: GPL-2.0-only */
/* The other ways to have a thread's system calls executed by somebody else, each as a variant that measures getpid. */
#ifndef DECOUPLE_TOOLS_PEER_H
#define DECOUPLE_TOOLS_PEER_H

#include "variant.h"

namespace decouple::bench
{

/* Calls that a batch makes before it records: the worker has just been woken, its caches and the other side's are cold. */
constexpr uint64_t getpid_warm_up = 100;

/*
 * The job that all variants run: channel.count raw getpid calls, each timed. channel.arg is the answer that every call must give;
 * the job fails with EPROTO if one did not.
 */
int64_t measure_getpid(Channel &channel);

/* Room in a worker for one round. */
inline size_t round_capacity(const Options &options, unsigned rounds)
{
	return options.samples / rounds + 1;
}

/* Syscall User Dispatch: the thread itself executes the call in a SIGSYS handler. */
Result<Variant> sud_variant(const Options &options, size_t capacity);

/* SECCOMP_RET_USER_NOTIF: a supervisor on the worker's core, or on the service core, answers. Remarks go to `notes`. */
Result<Variant> seccomp_variant(bool same_core, const Options &options, size_t capacity, std::vector<std::string> &notes);

/* PTRACE_SYSEMU: a tracer on the worker's core, or on the service core, sets RAX. */
Result<Variant> ptrace_variant(bool same_core, const Options &options, size_t capacity);

} // namespace decouple::bench

#endif
