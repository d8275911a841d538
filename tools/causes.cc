// SPDX-License-Identifier: GPL-2.0-only
// Reading `decouple why`, totals and explanations.

#include "causes.h"

#include <algorithm>
#include <map>

#include <nlohmann/json.hpp>

namespace decouple::noise
{

namespace
{

using nlohmann::json;

// A disturbance begins behind the last reading before it and ends before the first behind it; the two clocks agree to less than this.
constexpr double slack_ns = 2000;

const json *first_of(const json &object, std::initializer_list<const char *> names)
{
	for (const char *name : names)
		if (auto found = object.find(name); found != object.end() && !found->is_null())
			return &*found;
	return nullptr;
}

std::string cause_text(const json &cause)
{
	if (cause.is_string())
		return cause.get<std::string>();
	if (cause.is_array())
		return cause.empty() ? "unknown" : cause_text(cause.front());
	if (!cause.is_object())
		return "unknown";
	const json *kind = first_of(cause, {"cause", "kind"}), *name = first_of(cause, {"name"});
	std::string text = kind ? cause_text(*kind) : "unknown";
	if (name && name->is_string() && !name->get<std::string>().empty())
		text += " (" + name->get<std::string>() + ")";
	return text;
}

bool add_event(const json &object, Events &events)
{
	if (!object.is_object())
		return false;
	const json *time = first_of(object, {"time_ns", "time"}), *duration = first_of(object, {"duration_ns", "duration"});
	const json *core = first_of(object, {"core"}), *cause = first_of(object, {"cause", "causes"});
	if (!time || !time->is_number() || !duration || !duration->is_number())
		return false;
	events.list.push_back({time->get<double>(), duration->get<double>(),
			       core && core->is_number_integer() ? core->get<int>() : -1,
			       cause ? cause_text(*cause) : "unknown"});
	return true;
}

// A document: an event, or the events of an array, or of an object's "events". A line of totals is no event and no mistake.
bool add_document(const json &document, Events &events)
{
	if (document.is_object())
		if (const json *lost = first_of(document, {"lost"}); lost && lost->is_number_unsigned())
			events.lost += lost->get<uint64_t>();
	const json *list = document.is_object() ? first_of(document, {"events"}) : document.is_array() ? &document : nullptr;
	if (list && list->is_array())
		return std::all_of(list->begin(), list->end(), [&](const json &event) { return add_event(event, events); });
	return add_event(document, events) || document.is_object();
}

bool overlaps(const Event &event, double at_ns, double length_ns)
{
	return event.at_ns <= at_ns + length_ns + slack_ns && event.at_ns + event.ns >= at_ns - slack_ns;
}

} // namespace

Result<Events> parse_events(const std::string &text)
{
	Events events;
	auto refuse = [] {
		return fail(EINVAL, "events are JSON as `decouple why --json` prints it, with time_ns and duration_ns");
	};
	if (json whole = json::parse(text, nullptr, false); !whole.is_discarded()) {
		if (!add_document(whole, events))
			return refuse();
	} else {
		// The last line may be cut off: its writer was ended.
		for (size_t at = 0, end; (end = text.find('\n', at)) != text.npos; at = end + 1) {
			const std::string line = text.substr(at, end - at);
			if (line.find_first_not_of(" \t\r") == line.npos)
				continue;
			json document = json::parse(line, nullptr, false);
			if (document.is_discarded() || !add_document(document, events))
				return refuse();
		}
		if (events.list.empty() && text.find_first_not_of(" \t\r\n") != text.npos && text.find('\n') == text.npos)
			return refuse();
	}
	std::sort(events.list.begin(), events.list.end(), [](const Event &a, const Event &b) { return a.at_ns < b.at_ns; });
	return events;
}

std::vector<CauseTotal> total_causes(const std::vector<Event> &events, const std::vector<Series> &all,
				     const std::string &variant)
{
	std::map<std::string, CauseTotal> totals;
	for (const Event &event : events) {
		const bool seen = std::any_of(all.begin(), all.end(), [&](const Series &series) {
			return series.variant == variant && (event.core < 0 || event.core == series.core) &&
			       std::any_of(series.rounds.begin(), series.rounds.end(), [&](const Round &round) {
				       return event.at_ns >= round.at_ns && event.at_ns < round.at_ns + round.length_ns;
			       });
		});
		if (!seen)
			continue;
		CauseTotal &total = totals.try_emplace(event.cause, CauseTotal{event.cause, 0, 0, 0}).first->second;
		total.count++;
		total.sum_ns += event.ns;
		total.longest_ns = std::max(total.longest_ns, event.ns);
	}
	std::vector<CauseTotal> sorted;
	for (auto &[cause, total] : totals)
		sorted.push_back(std::move(total));
	std::stable_sort(sorted.begin(), sorted.end(),
			 [](const CauseTotal &a, const CauseTotal &b) { return a.count > b.count; });
	return sorted;
}

std::string explain(const std::vector<Event> &events, int core, const std::vector<Sample> &spans)
{
	std::map<std::string, size_t> counts;
	size_t unknown = 0;
	double longest = 0;
	for (const Event &event : events)
		longest = std::max(longest, event.ns);
	for (const Sample &span : spans) {
		// Events are in the order of their beginning: none that begins earlier than this can reach the span.
		auto event = std::lower_bound(events.begin(), events.end(), span.at_ns - slack_ns - longest,
					      [](const Event &candidate, double at) { return candidate.at_ns < at; });
		const Event *best = nullptr;
		for (; event != events.end() && event->at_ns <= span.at_ns + span.ns + slack_ns; ++event)
			if ((event->core < 0 || event->core == core) && overlaps(*event, span.at_ns, span.ns) &&
			    (!best || event->ns > best->ns))
				best = &*event;
		best ? counts[best->cause]++ : unknown++;
	}
	std::vector<std::pair<size_t, std::string>> sorted;
	for (const auto &[cause, count] : counts)
		sorted.emplace_back(count, cause);
	std::sort(sorted.rbegin(), sorted.rend());
	if (unknown)
		sorted.emplace_back(unknown, "not attributed");
	std::string text;
	for (const auto &[count, cause] : sorted)
		text += (text.empty() ? "" : ", ") + cause + " " + std::to_string(count) + (count == 1 ? " time" : " times");
	return text;
}

} // namespace decouple::noise
