/* SPDX-License-Identifier: GPL-2.0-only */
/* Progress of an operation that may take long: silent for a second, then one line on stderr per step. */
#ifndef DECOUPLE_CLI_PROGRESS_H
#define DECOUPLE_CLI_PROGRESS_H

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace decouple::cli
{

class Progress
{
public:
	explicit Progress(std::string operation);

	/* Says what is being done now. Any thread. */
	void step(const std::string &text);

private:
	void watch(std::stop_token stop);

	const std::string operation_;
	std::mutex mutex_; /* protects step_ and changed_ */
	std::condition_variable_any wake_;
	std::string step_;
	bool changed_ = false;
	std::jthread thread_; /* last: ends before what it uses */
};

} // namespace decouple::cli

#endif
