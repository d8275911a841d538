/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the controller itself runs. */
#ifndef DECOUPLE_USERLAND_PLACEMENT_H
#define DECOUPLE_USERLAND_PLACEMENT_H

#include <sched.h>
#include <sys/types.h>

namespace decouple
{

/* The core that a thread ran on last; -1 when it can't be told. */
int last_core(pid_t pid, pid_t tid);

/*
 * Keeps the calling thread off a core for as long as the object lives: a thread that it stops shall not wait for it. Without effect
 * when the caller is bound to that core alone.
 */
class OffCore
{
public:
	explicit OffCore(int core);
	~OffCore();
	OffCore(const OffCore &) = delete;
	OffCore &operator=(const OffCore &) = delete;

private:
	cpu_set_t before_;
	bool moved_ = false;
};

} // namespace decouple

#endif
