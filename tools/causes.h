/* SPDX-License-Identifier: GPL-2.0-only */
/* What broke the quiet, as `decouple why` tells it, and how it is brought together with what the tests saw. */
#ifndef DECOUPLE_TOOLS_CAUSES_H
#define DECOUPLE_TOOLS_CAUSES_H

#include "child.h"
#include "series.h"

namespace decouple::noise
{

/* A disturbance of a dedicated core. */
struct Event {
	double at_ns, ns; /* CLOCK_MONOTONIC of its beginning; duration */
	int core; /* -1: not told */
	std::string cause;
};

struct Events {
	std::vector<Event> list; /* in the order of their beginning */
	uint64_t lost = 0; /* that nobody could read in time */
};

/*
 * What `decouple why --json` prints: one JSON object a line, or an array of them, or an object with an array "events". Of an event
 * "time_ns" (or "time"), "duration_ns" ("duration"), "core", and "cause", or the first of "causes", are taken; a cause is a text, or an object
 * with "cause" ("kind") and "name". Objects without a time are no events, but may have a number "lost". Error EINVAL: something else.
 */
Result<Events> parse_events(const std::string &text);

struct CauseTotal {
	std::string cause;
	size_t count;
	double sum_ns, longest_ns;
};

/* Totals of the events that fall into the rounds of these series, on their core; the most frequent first. */
std::vector<CauseTotal> total_causes(const std::vector<Event> &events, const std::vector<Series> &all,
				     const std::string &variant);

/* The causes of spans of time on a core, in a sentence: "local_timer 31 times, call 2 times, not attributed 4 times". */
std::string explain(const std::vector<Event> &events, int core, const std::vector<Sample> &spans);

/* `decouple why` beside the measurement. */
class WhyReader
{
public:
	/* Errors: it can't be run here, with what it says. */
	static Result<WhyReader> start(pid_t pid);
	/* Ends it; what it has seen. */
	Result<Events> stop();

	WhyReader(WhyReader &&other) noexcept
	    : output_(std::exchange(other.output_, -1)), message_(std::exchange(other.message_, -1)),
	      child_(std::move(other.child_))
	{
	}
	WhyReader &operator=(WhyReader &&) = delete;
	~WhyReader();

private:
	WhyReader() = default;
	int output_ = -1, message_ = -1; /* memory that its output and its complaints go to */
	bench::Child child_;
};

} // namespace decouple::noise

#endif
