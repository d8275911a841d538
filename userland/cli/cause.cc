/* SPDX-License-Identifier: GPL-2.0-only */
/* Disturbances in words; see cause.h. Names come from the kernel and from programs, which may put anything into them. */
#include "cli/cause.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <vector>

namespace decouple::cli
{
namespace
{

/* By enum decouple_cause_kind. */
const struct {
	const char *key; /* in JSON */
	const char *words;
	int detail; /* kind of the causes behind it that belong to it; -1: none do */
} kinds[] = {
	{"unknown", "unknown", -1},
	{"local_timer", "local timer", DECOUPLE_CAUSE_HRTIMER},
	{"reschedule", "IPI reschedule", -1},
	{"call_function", "IPI call function", DECOUPLE_CAUSE_FUNCTION},
	{"irq_work", "IPI irq_work", -1},
	{"thermal", "thermal interrupt", -1},
	{"threshold", "machine check threshold interrupt", -1},
	{"deferred_error", "deferred error interrupt", -1},
	{"platform_ipi", "platform IPI", -1},
	{"apic_error", "APIC error interrupt", -1},
	{"spurious", "spurious interrupt", -1},
	{"irq", "IRQ", -1},
	{"nmi", "NMI", -1},
	{"smi", "SMI", -1},
	{"softirq", "softirq", DECOUPLE_CAUSE_TIMER},
	{"switch", "switched to", DECOUPLE_CAUSE_WORK},
	{"hrtimer", "hrtimer", -1},
	{"timer", "timer", -1},
	{"work", "work", -1},
	{"function", "function", -1},
	{"page_fault", "page fault", -1},
	{"kick", "own process stopped the vCPU", -1},
	{"unmap", "own process changed its memory", -1},
	{"moved", "moved from core", -1},
};
static_assert(std::size(kinds) == DECOUPLE_CAUSE_KINDS);

const auto &kind_of(const decouple_cause &cause)
{
	return kinds[cause.kind < DECOUPLE_CAUSE_KINDS ? cause.kind : 0];
}

const char *exit_name(const decouple_disturbance &d)
{
	static const char *const names[] = {"other", "interrupt", "nmi", "page_fault"};
	return d.exit < std::size(names) ? names[d.exit] : "other";
}

std::string name_of(const decouple_cause &cause)
{
	std::string name(cause.name, strnlen(cause.name, sizeof(cause.name)));
	for (char &c : name)
		if (c < ' ' || c > '~')
			c = '?';
	return name;
}

/* The tick has another name from one kernel to the next. */
std::string timer_name(const decouple_cause &cause)
{
	const std::string name = name_of(cause);
	return name == "tick_sched_timer" || name == "tick_nohz_handler" ? "tick" : name;
}

std::string hex(uint64_t value)
{
	char text[32];
	std::snprintf(text, sizeof(text), "0x%llx", static_cast<unsigned long long>(value));
	return text;
}

std::string sender(const decouple_cause &cause, bool exact)
{
	if (cause.core < 0)
		return ", sender unknown";
	std::string text = " from core " + std::to_string(cause.core);
	if (cause.flags & DECOUPLE_CAUSE_OWN)
		text += " (own process)";
	if (!exact)
		return text;
	const std::string name = name_of(cause);
	if (cause.pid)
		text += " by " + std::to_string(cause.pid);
	return name.empty() ? text : text + " in " + name;
}

/* The cause itself, and `details`, the names of what belongs to it. */
std::string words(const decouple_disturbance &d, const decouple_cause &cause, const std::string &details, bool exact)
{
	const std::string name = name_of(cause), is = kind_of(cause).words, in = details.empty() ? "" : " (" + details + ")";
	switch (cause.kind) {
	case DECOUPLE_CAUSE_RESCHEDULE:
	case DECOUPLE_CAUSE_CALL:
		return is + in + sender(cause, exact);
	case DECOUPLE_CAUSE_IRQ:
		return is + " " + std::to_string(cause.number) + (name.empty() ? "" : " " + name);
	case DECOUPLE_CAUSE_SMI:
		return exact ? is + " (" + std::to_string(cause.number) + " since the last record)" : is;
	case DECOUPLE_CAUSE_SWITCH:
		return is + " " + (name.empty() ? "a task that is not to be seen from here" : name) + in;
	case DECOUPLE_CAUSE_PAGE_FAULT:
	case DECOUPLE_CAUSE_UNMAP:
		return exact ? is + " at " + hex(cause.address) : is;
	case DECOUPLE_CAUSE_MOVED:
		return is + " " + std::to_string(cause.core);
	case DECOUPLE_CAUSE_UNKNOWN:
		return is + " (exit: " + exit_name(d) + ")";
	case DECOUPLE_CAUSE_NMI:
		return name.empty() ? is : is + " (" + name + ")";
	case DECOUPLE_CAUSE_SOFTIRQ:
	case DECOUPLE_CAUSE_HRTIMER:
	case DECOUPLE_CAUSE_TIMER:
	case DECOUPLE_CAUSE_WORK:
	case DECOUPLE_CAUSE_FUNCTION:
		return is + " " + (name.empty() ? "?" : name) + in;
	default:
		return is + in;
	}
}

uint32_t count_of(const decouple_disturbance &d)
{
	return d.count < DECOUPLE_CAUSES ? d.count : DECOUPLE_CAUSES;
}

/* Words for the cause at `i`, which moves behind what belongs to it. */
std::string next(const decouple_disturbance &d, uint32_t &i, bool exact)
{
	const decouple_cause &cause = d.causes[i++];
	std::vector<std::string> names;
	for (; i < count_of(d) && int(d.causes[i].kind) == kind_of(cause).detail; i++)
		names.push_back(timer_name(d.causes[i]));
	if (!exact) {
		std::sort(names.begin(), names.end());
		names.erase(std::unique(names.begin(), names.end()), names.end());
	}
	std::string details;
	for (const std::string &name : names)
		details += (details.empty() ? "" : ", ") + name;
	return words(d, cause, details, exact);
}

} // namespace

std::string cause_in_words(const decouple_disturbance &disturbance)
{
	uint32_t i = 0;
	return next(disturbance, i, false);
}

std::string causes_in_words(const decouple_disturbance &disturbance)
{
	std::string text;
	for (uint32_t i = 0; i < count_of(disturbance);)
		text += (text.empty() ? "" : "; ") + next(disturbance, i, true);
	if (disturbance.more)
		text += "; " + std::to_string(disturbance.more) + " more";
	return text;
}

nlohmann::ordered_json disturbance_json(const decouple_disturbance &d)
{
	nlohmann::ordered_json list = nlohmann::ordered_json::array();
	for (uint32_t i = 0; i < count_of(d); i++) {
		const decouple_cause &cause = d.causes[i];
		list.push_back({
			{"kind", kind_of(cause).key},
			{"name", name_of(cause)},
			{"number", cause.number},
			{"core", cause.core},
			{"pid", cause.pid},
			{"address", cause.address},
			{"own_process", (cause.flags & DECOUPLE_CAUSE_OWN) != 0},
		});
	}
	return {
		{"time_ns", d.time},
		{"duration_ns", d.duration},
		{"core", d.core},
		{"pid", d.pid},
		{"tid", d.tid},
		{"exit", exit_name(d)},
		{"user", (d.flags & DECOUPLE_DISTURBANCE_USER) != 0},
		{"cause", cause_in_words(d)},
		{"words", causes_in_words(d)},
		{"causes", std::move(list)},
		{"more", d.more},
	};
}

} // namespace decouple::cli
