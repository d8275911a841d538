/* SPDX-License-Identifier: GPL-2.0-only */
/* Result of a bench: rows, ratios of medians, notes on what is missing; as a table, as JSON, as a chart. */
#ifndef DECOUPLE_TOOLS_REPORT_H
#define DECOUPLE_TOOLS_REPORT_H

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "hist.h"
#include "host.h"

namespace decouple::bench
{

struct Row {
	std::string name;
	Summary ns;
};

struct Report {
	std::string bench;
	Host host;
	std::vector<Row> rows;
	std::vector<std::pair<std::string, double>> ratios;
	std::vector<std::pair<std::string, double>>
		values; /* further figures, top-level fields of the JSON form; unit in the name */
	std::vector<std::string> notes;
	int exit_code = 0; /* of a bench that printed something, but not what it is there for */

	void add_row(const std::string &name, std::vector<double> samples_ns);
	/* Median of a row / median of another. Left out when either is missing: the note on the missing row says why. */
	void add_ratio(const std::string &name, const std::string &numerator, const std::string &denominator);
	/* A variant of the subject itself could not run: the note, and an exit code other than 0. */
	void add_failure(const std::string &what, const Error &error);
};

void print_table(const Report &report);
void print_json(const Report &report);

/* Error EOPNOTSUPP: gnuplot is not installed. Asked before the measurement, since that takes long. */
Result<> check_plotter();
/* Chart of the rows, SVG. */
Result<> plot(const Report &report, const std::string &path);

} // namespace decouple::bench

#endif
