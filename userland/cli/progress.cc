/* SPDX-License-Identifier: GPL-2.0-only */
/* Progress lines, printed by a thread of their own, since the operation itself may sit in one long system call. */
#include "cli/progress.h"

#include <chrono>

#include "cli/command.h"

namespace decouple::cli
{

Progress::Progress(std::string operation)
    : operation_(std::move(operation)), thread_([this](std::stop_token stop) { watch(stop); })
{
}

void Progress::step(const std::string &text)
{
	std::lock_guard lock(mutex_);
	step_ = text;
	changed_ = true;
	wake_.notify_all();
}

void Progress::watch(std::stop_token stop)
{
	std::unique_lock lock(mutex_);
	wake_.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
	if (!stop.stop_requested() && step_.empty())
		warn(operation_ + " ...");
	while (!stop.stop_requested()) {
		if (changed_)
			warn(operation_ + ": " + step_ + " ...");
		changed_ = false;
		wake_.wait(lock, stop, [this] { return changed_; });
	}
}

} // namespace decouple::cli
