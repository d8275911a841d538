// SPDX-License-Identifier: GPL-2.0-only
// The chart of a report, drawn by gnuplot over a pipe.

#include <csignal>
#include <cstdio>
#include <sstream>

#include "report.h"

namespace decouple::bench
{

namespace
{

// gnuplot's single-quoted strings know one escape: a doubled quote.
std::string quoted(const std::string &text)
{
	std::string out = "'";
	for (char c : text)
		out += c == '\'' ? std::string("''") : std::string(1, c);
	return out + "'";
}

std::string script(const Report &report, const std::string &path)
{
	std::ostringstream out;
	out << "set terminal svg size 960," << 160 + 44 * report.rows.size() << " dynamic font 'sans,13' background '#ffffff'\n"
	    << "set output " << quoted(path) << "\n"
	    << "set title "
	    << quoted("decouple bench " + report.bench + ": " + report.host.cpu + ", Linux " + report.host.kernel + ", KVM " +
		      report.host.kvm)
	    << " noenhanced\n"
	    << "set logscale x\nset xlabel 'ns (logarithmic): bar = median, line = minimum to p99, dot = p99.9'\n"
	    << "set grid xtics mxtics lc rgb '#dddddd'\nset border 3\nset tics nomirror\nunset key\nset rmargin 4\n"
	    << "set yrange [" << report.rows.size()
	    << ".5:0.5]\nset style fill solid 0.35\nset bars 0.6\nset ytics noenhanced (";
	for (size_t i = 0; i < report.rows.size(); i++)
		out << (i ? ", " : "") << quoted(report.rows[i].name) << " " << i + 1;
	out << ")\n$rows << EOD\n";
	double least = 1e300;
	for (size_t i = 0; i < report.rows.size(); i++) {
		const Summary &ns = report.rows[i].ns;
		least = std::min(least, ns.min);
		out << i + 1 << " " << ns.min << " " << ns.p50 << " " << ns.p99 << " " << ns.p999 << "\n";
	}
	// Bars begin a little below the smallest value: a logarithmic axis has no zero.
	out << "EOD\nset xrange [" << least / 2 << ":*]\n"
	    << "plot $rows using 3:1:(" << least / 2
	    << "):3:($1-0.3):($1+0.3) with boxxyerror lc rgb '#3b6ea5', '' using 3:1:2:4 with xerrorbars pt 0 lw 1.5 lc rgb "
	       "'#222222', "
	       "'' using 5:1 with points pt 7 ps 0.5 lc rgb '#b03a2e'\n";
	return out.str();
}

} // namespace

Result<> check_plotter()
{
	if (installed("gnuplot"))
		return {};
	return fail(EOPNOTSUPP, "--plot needs gnuplot, which is not installed; install the package gnuplot-nox");
}

Result<> plot(const Report &report, const std::string &path)
{
	if (report.rows.empty())
		return fail(ENODATA, "--plot " + path + ": no row to draw");
	FILE *pipe = popen("gnuplot", "w");
	if (!pipe)
		return fail_errno("cannot start gnuplot");
	// A gnuplot that dies early must give an error here, not SIGPIPE.
	auto previous = signal(SIGPIPE, SIG_IGN);
	std::string text = script(report, path);
	bool written = fwrite(text.data(), 1, text.size(), pipe) == text.size();
	int status = pclose(pipe);
	signal(SIGPIPE, previous);
	if (!written || status)
		return fail(EIO, "gnuplot wrote no chart to " + path + " (wait status " + std::to_string(status) +
					 "); its own message is above; check that the directory exists and is writable");
	return {};
}

} // namespace decouple::bench
