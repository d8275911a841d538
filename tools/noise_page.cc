// SPDX-License-Identifier: GPL-2.0-only
// Head, summary and details of the report.

#include "noise_page.h"

#include <algorithm>
#include <cstdio>

#include "chart.h"
#include "hist.h"
#include "noise_charts.h"

namespace decouple::noise
{

namespace
{

std::string fixed(double value, int decimals)
{
	char text[40];
	snprintf(text, sizeof text, "%.*f", decimals, value);
	return text;
}

std::string rate_text(double rate)
{
	return fixed(rate, rate >= 100 ? 0 : 1);
}

std::string or_none(const std::string &text)
{
	return text.empty() ? "<span class=\"faint\">none</span>" : escaped(text);
}

std::vector<std::string> variants_of(const NoiseResult &result)
{
	std::vector<std::string> names;
	for (const char *name : {"native", "reserved", "decoupled"})
		if (std::any_of(result.series.begin(), result.series.end(),
				[&](const Series &one) { return one.variant == name; }))
			names.push_back(name);
	return names;
}

double detour_percentile(const Series &series, size_t parts, size_t whole)
{
	std::vector<double> lost = detours(series);
	std::sort(lost.begin(), lost.end());
	return lost.empty() ? 0 : bench::nearest_rank(lost, parts, whole);
}

std::string share_of(double part, double whole)
{
	const double percent = whole > 0 ? 100 * part / whole : 0;
	return fixed(percent, percent >= 10 ? 1 : percent >= 0.1 ? 2 : 4) + " %";
}

// "Decoupled, the longest gap was 4.2 µs; natively it was 2.1 ms."
std::string headline(const NoiseResult &result)
{
	for (Method method : {Method::gaps, Method::fwq, Method::ftq}) {
		const Series *native = result.find(method, "native"), *decoupled = result.find(method, "decoupled");
		if (!native || !decoupled)
			continue;
		if (method == Method::gaps && !figures(*decoupled).n && !figures(*native).n)
			return "No gap above " + shown_duration(result.plan.threshold_ns) + ", neither decoupled nor natively.";
		const std::string what = method == Method::gaps ? "the longest gap was " : "the most that a quantum lost was ";
		auto worst = [&](const Series &series) {
			return std::max(detour_percentile(series, 1, 1), series.longest_unrecorded_ns);
		};
		if (!figures(*decoupled).n)
			return "Decoupled, no gap above " + shown_duration(result.plan.threshold_ns) +
			       "; natively the longest was " + shown_duration(worst(*native)) + ".";
		return "Decoupled, " + what + "<b>" + shown_duration(worst(*decoupled)) + "</b>; natively it was <b>" +
		       shown_duration(worst(*native)) + "</b>.";
	}
	return "";
}

void write_verdict(std::ostream &out, const NoiseResult &result)
{
	if (!result.verdict)
		return;
	const Verdict &verdict = *result.verdict;
	out << "<div id=\"verdict\" class=\"verdict " << (verdict.pass ? "pass" : "fail") << "\"><b>"
	    << (verdict.pass ? "Budget kept" : "Budget exceeded") << "</b><code>" << escaped(result.plan.budget->text)
	    << "</code> <span class=\"faint\">(" << result.plan.budget->variant << ")</span>";
	if (!verdict.pass)
		out << "<ul>";
	for (const std::string &method : verdict.missing)
		out << "<li>" << method << ": not measured</li>";
	for (const Violation &violation : verdict.violations) {
		const bool rate = violation.limit == "gaps";
		auto shown = [&](double value) { return rate ? rate_text(value) + " a minute" : shown_duration(value); };
		out << "<li>" << method_name(violation.method) << (rate ? "" : " " + violation.limit) << ": "
		    << shown(violation.measured) << ", allowed are " << shown(violation.bound) << ". "
		    << (violation.worst.ns > 0 ? "The worst: " + shown_duration(violation.worst.ns) + "; " : "")
		    << escaped(violation.cause) << ".</li>";
	}
	out << (verdict.pass ? "</div>\n" : "</ul></div>\n");
}

void write_summary(std::ostream &out, const NoiseResult &result)
{
	const std::vector<std::string> variants = variants_of(result);
	auto row = [&](Method method, const std::string &name, auto figure) {
		if (std::find(result.plan.methods.begin(), result.plan.methods.end(), method) == result.plan.methods.end())
			return;
		out << "<tr><td>" << name << "</td>";
		for (const std::string &variant : variants) {
			const Series *series = result.find(method, variant);
			out << "<td>" << (series ? figure(*series) : "") << "</td>";
		}
		out << "</tr>\n";
	};
	out << "<div class=\"scroll\"><table id=\"summary\" class=\"big\"><tr><th></th>";
	for (const std::string &variant : variants)
		out << "<th>" << key_of(variant) << "</th>";
	out << "</tr>\n";
	row(Method::gaps, "longest gap", [](const Series &series) { return shown_duration(figures(series).max); });
	row(Method::gaps, "gaps above " + shown_duration(result.plan.threshold_ns) + " in a minute",
	    [](const Series &series) { return rate_text(figures(series).per_minute.value_or(0)); });
	row(Method::gaps, "time lost in gaps",
	    [](const Series &series) { return share_of(figures(series).detour_sum, measured_ns(series)); });
	const std::string quantum = shown_duration(result.plan.quantum_ns);
	row(Method::fwq, "most that 99.99 % of quanta of " + quantum + " of work lost",
	    [](const Series &series) { return shown_duration(detour_percentile(series, 9999, 10000)); });
	row(Method::fwq, "most that any of them lost",
	    [](const Series &series) { return shown_duration(detour_percentile(series, 1, 1)); });
	row(Method::ftq, "work lost of quanta of " + quantum + " of time",
	    [](const Series &series) { return share_of(figures(series).detour_sum, measured_ns(series)); });
	out << "</table></div>\n";
}

void write_figures(std::ostream &out, const NoiseResult &result)
{
	out << "<details><summary>All figures</summary>\n<div class=\"scroll\"><table "
	       "id=\"figures\"><tr><th>ns</th><th>n</th><th>min</th>"
	       "<th>p50</th><th>p99</th><th>p99.9</th><th>p99.99</th><th>max</th><th>detour sum</th></tr>\n";
	for (const Series &series : result.series) {
		const Figures all = figures(series);
		out << "<tr><td>" << method_name(series.method) << ", " << key_of(series.variant) << "</td><td>" << all.n
		    << "</td>";
		for (double value : {all.min, all.p50, all.p99, all.p999, all.p9999, all.max})
			out << "<td>" << fixed(value, 1) << "</td>";
		out << "<td>" << fixed(all.detour_sum, 0) << "</td></tr>\n";
	}
	out << "</table></div>\n<p class=\"faint\">fwq: time that a quantum took; ftq: time lost of a quantum; gaps: length. ";
	for (Method method : result.plan.methods)
		out << (method == Method::fwq   ? "Shortest quantum of any variant: "
			: method == Method::ftq ? "A unit of ftq's work: "
						: "Two readings of the clock: ")
		    << shown_duration(result.floor_ns(method)) << ". ";
	out << "</p></details>\n";
}

void write_variants(std::ostream &out, const NoiseResult &result)
{
	out << "<details><summary>What the kernel counted on the cores</summary>\n<div class=\"scroll\"><table "
	       "id=\"counters\"><tr><th>variant</th><th>core</th><th>SMIs</th><th>stolen</th><th>exits to user "
	       "space</th><th class=\"text\">interrupts</th></tr>\n";
	for (const VariantResult &variant : result.variants) {
		out << "<tr><td>" << key_of(variant.name) << "</td><td>" << variant.core << "</td><td>"
		    << (variant.counters.smi ? std::to_string(*variant.counters.smi) : "not available") << "</td><td>"
		    << (variant.counters.steal_ns ? shown_duration(*variant.counters.steal_ns) : "") << "</td><td>"
		    << (variant.exits ? std::to_string(*variant.exits) : "") << "</td><td class=\"text\">";
		const char *separator = "";
		for (const auto &[name, count] : variant.counters.interrupts) {
			out << separator << escaped(name) << " " << count;
			separator = ", ";
		}
		out << "</td></tr>\n";
	}
	out << "</table></div>\n<p class=\"faint\">Over the variant's own rounds, with what starts and ends each of them. "
	       "Stolen is what a "
	       "hypervisor below this machine took."
	    << (result.why_no_smi.empty() ? "" : " SMI count not available: " + escaped(result.why_no_smi) + ".")
	    << "</p></details>\n";
}

void write_host(std::ostream &out, const NoiseResult &result)
{
	const Isolation &isolation = result.isolation;
	std::string service;
	for (int core : result.plan.service)
		service += (service.empty() ? "" : ",") + std::to_string(core);
	std::string loads;
	for (const LoadResult &load : result.loads)
		loads += (loads.empty() ? "" : ", ") + load.name + " (" + std::to_string(load.operations) + " operations)";
	if (result.churn_cycles)
		loads += (loads.empty() ? "" : ", ") + ("core " + std::to_string(*result.plan.churn)) +
			 " reserved and released " + std::to_string(*result.churn_cycles) + " times";
	out << "<details><summary>The machine</summary>\n<div class=\"scroll\"><table id=\"host\">";
	auto row = [&](const std::string &name, const std::string &text) {
		out << "<tr><td>" << name << "</td><td class=\"text\">" << text << "</td></tr>\n";
	};
	row("CPU", escaped(result.host.cpu) + (isolation.virtual_machine ? " (a virtual machine)" : ""));
	row("kernel", escaped(result.host.kernel));
	row("command line", "<code>" + escaped(isolation.command_line) + "</code>");
	row("KVM", escaped(result.host.kvm));
	row("cores", "plain " + std::to_string(result.plan.core) +
			     (result.plan.reserved ? ", reserved " + std::to_string(*result.plan.reserved) : "") +
			     ", decoupled on " + std::to_string(result.plan.decoupled_core()) + ", service " + service);
	row("reserved", or_none(isolation.reserved));
	row("nohz_full", or_none(isolation.nohz_full));
	row("rcu_nocbs", or_none(isolation.rcu_nocbs));
	row("isolated", or_none(isolation.isolated));
	row("hush", or_none(isolation.hush));
	row("governor", or_none(isolation.governor));
	row("load on service cores", or_none(loads));
	row("load before", fixed(result.host.load, 2));
	row("TSC", fixed(result.host.tsc_mhz, 1) + " MHz" + (isolation.invariant_tsc ? ", invariant" : ""));
	row("date", escaped(result.host.date));
	out << "</table></div></details>\n";
}

} // namespace

void write_head(std::ostream &out, const NoiseResult &result)
{
	out << "<header><h1>Noise report</h1><div class=\"sub\">" << escaped(result.host.cpu) << " &middot; Linux "
	    << escaped(result.host.kernel) << " &middot; " << escaped(result.host.date) << "</div></header>\n";
	write_verdict(out, result);
	const std::string sentence = headline(result);
	if (!sentence.empty())
		out << "<p class=\"lead\">" << sentence << "</p>\n";
	write_summary(out, result);
}

void write_details(std::ostream &out, const NoiseResult &result)
{
	out << "<section id=\"details\">\n<h2>Details</h2>\n";
	if (!result.notes.empty()) {
		out << "<ul id=\"notes\">";
		for (const std::string &note : result.notes)
			out << "<li>" << escaped(note) << "</li>";
		out << "</ul>\n";
	}
	write_figures(out, result);
	write_variants(out, result);
	write_host(out, result);
	out << "<details><summary>How it was measured</summary>\n<dl>"
	       "<dt>native, reserved, decoupled</dt><dd>The same code: an ordinary program on a core that Linux uses; the same "
	       "on a core "
	       "that was reserved; and decoupled, its code in a KVM guest on a dedicated core. They take turns in short "
	       "rounds, so that "
	       "what the machine does meanwhile meets all alike.</dd>"
	       "<dt>time lost</dt><dd>fwq: what a quantum took more than the variant's shortest; ftq: the work that is missing "
	       "against the "
	       "fullest quantum, as time; gaps: their length.</dd>"
	       "<dt>the charts</dt><dd>Scales of time are logarithmic but for that of ftq. What lost less than the scale "
	       "begins with is drawn "
	       "at its beginning. Rounds are joined: the axis shows only time that was "
	       "measured.</dd></dl></details>\n</section>\n";
}

} // namespace decouple::noise
