/* SPDX-License-Identifier: GPL-2.0-only */
/* A child process of the bench that ends with its owner: worker, supervisor, tracer. */
#ifndef DECOUPLE_TOOLS_CHILD_H
#define DECOUPLE_TOOLS_CHILD_H

#include <sys/types.h>

#include <functional>
#include <utility>

#include "base/result.h"

namespace decouple::bench
{

class Child
{
public:
	/*
	 * Forks. In the child, prepare() runs first; it returns 0 or an errno, which start() turns into an Error that names `what`.
	 * Then run() until it returns, then _exit(0). Neither may return into the caller's code.
	 */
	static Result<Child> start(const std::string &what, const std::function<int()> &prepare,
				   const std::function<void()> &run);

	Child() = default;
	Child(Child &&other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
	Child &operator=(Child &&other) noexcept
	{
		std::swap(pid_, other.pid_);
		return *this;
	}
	~Child() { kill(); }

	pid_t pid() const { return pid_; }
	/* "still running", or how it ended; an ended one is reaped. */
	bool alive(std::string &how);
	void kill();

private:
	explicit Child(pid_t pid) : pid_(pid) {}
	pid_t pid_ = 0;
};

} // namespace decouple::bench

#endif
