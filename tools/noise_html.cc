// SPDX-License-Identifier: GPL-2.0-only
// The result as a page for people.

#include <algorithm>
#include <fstream>
#include <sstream>

#include "chart.h"
#include "noise_charts.h"
#include "noise_page.h"
#include "noise_style.h"

namespace decouple::noise
{

namespace
{

struct Words {
	const char *title, *what;
};

constexpr Words words_of(Method method)
{
	switch (method) {
	case Method::fwq:
		return {"FWQ: the same work, again and again", "A fixed quantum of work, without a break between two. "
							       "Undisturbed, all take equally long; shown is what each took "
							       "longer than the shortest."};
	case Method::ftq:
		return {"FTQ: work done in equal spans of time", "A fixed quantum of time. Undisturbed, all hold equally much "
								 "work; shown is the share of the fullest that got done."};
	default:
		return {"Gaps: when the program did not run", "The clock is read without a pause. A longer time between two "
							      "readings is one in which something else ran."};
	}
}

std::string caption(const Series &series)
{
	const Figures all = figures(series);
	std::string figures_text;
	if (series.method == Method::gaps)
		figures_text = std::to_string(all.n) + " gaps, longest " + shown_duration(all.max) + ", in all " +
			       shown_duration(all.detour_sum);
	else
		figures_text = std::to_string(all.n) + " quanta, in all " + shown_duration(all.detour_sum) + " of " +
			       shown_duration(all.measured) + " lost";
	return "<figcaption><span>" + key_of(series.variant) + ", core " + std::to_string(series.core) +
	       "</span><span class=\"faint\">" + figures_text + "</span></figcaption>";
}

std::string legend(const NoiseResult &result, Method method, const std::string &what)
{
	std::string keys;
	for (const Series &series : result.series)
		if (series.method == method)
			keys += (keys.empty() ? "" : " &ensp; ") + key_of(series.variant);
	return "<figcaption><span>" + what + "</span><span>" + keys + "</span></figcaption>";
}

void write_method(std::ostream &out, const NoiseResult &result, Method method)
{
	const std::string name = method_name(method);
	const Words words = words_of(method);
	out << "<section id=\"" << name << "\">\n<h2>" << words.title << "</h2>\n<p class=\"faint\">" << words.what << "</p>\n";
	out << "<div class=\"grid\">\n";
	for (const Series &series : result.series)
		if (series.method == method)
			out << "<figure id=\"" << name << "-time-" << series.variant << "\">" << caption(series)
			    << time_chart(result, series) << "</figure>\n";
	out << "</div>\n<div class=\"grid\">\n";
	const std::string histogram = histogram_chart(result, method), exceedance = exceedance_chart(result, method);
	if (!histogram.empty())
		out << "<figure id=\"" << name << "-histogram\">"
		    << legend(result, method, method == Method::gaps ? "Histogram of lengths" : "Histogram of time lost")
		    << histogram << "</figure>\n";
	if (!exceedance.empty())
		out << "<figure id=\"" << name << "-exceedance\">"
		    << legend(result, method,
			      method == Method::gaps ? "How often, by length" : "How often so much is lost, or more")
		    << exceedance << "</figure>\n";
	if (histogram.empty())
		out << "<p>No gap above " << shown_duration(result.plan.threshold_ns) << " was seen.</p>\n";
	out << "</div>\n</section>\n";
}

void write_causes(std::ostream &out, const NoiseResult &result)
{
	out << "<section id=\"causes\">\n<h2>What disturbed the decoupled thread</h2>\n";
	if (result.plan.no_why) {
		out << "<p>Not asked for (<code>--no-why</code>).</p>\n";
	} else if (!result.attributed) {
		out << "<p>Not known: the kernel module tells (<code>decouple why</code>), and it is not loaded, or can't be "
		       "asked.</p>\n";
	} else if (result.causes.empty()) {
		out << "<p>Nothing: while the tests ran, the vCPU did not leave the guest but by itself.</p>\n";
	} else {
		out << "<div class=\"scroll\"><table><tr><th>cause</th><th>times</th><th>in all</th><th>longest</th><th "
		       "style=\"width:30%\"></th></tr>\n";
		size_t most = 0;
		for (const CauseTotal &total : result.causes)
			most = std::max(most, total.count);
		for (const CauseTotal &total : result.causes)
			out << "<tr><td>" << escaped(total.cause) << "</td><td>" << total.count << "</td><td>"
			    << shown_duration(total.sum_ns) << "</td><td>" << shown_duration(total.longest_ns)
			    << "</td><td><span class=\"bar\" style=\"width:" << 100 * total.count / most
			    << "%\"></span></td></tr>\n";
		out << "</table></div>\n";
	}
	out << "</section>\n";
}

} // namespace

std::string key_of(const std::string &variant)
{
	return "<span class=\"name\"><span class=\"key " + variant + "\"></span>" + variant + "</span>";
}

Result<> write_html(const NoiseResult &result, const std::string &path)
{
	std::ostringstream out;
	out << "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Noise on "
	    << escaped(result.host.cpu) << "</title>\n<style>" << noise_style << "</style></head>\n<body><main>\n";
	write_head(out, result);
	for (Method method : result.plan.methods)
		write_method(out, result, method);
	write_causes(out, result);
	write_details(out, result);
	out << "</main></body></html>\n";
	std::ofstream file(path, std::ios::trunc);
	file << out.str() << std::flush;
	if (!file)
		return fail(EIO, "--html: cannot write " + path + "; is there room, and the directory writable?");
	return {};
}

} // namespace decouple::noise
