// SPDX-License-Identifier: GPL-2.0-only
// The table and the JSON form of a report.

#include "report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <nlohmann/json.hpp>

namespace decouple::bench
{

namespace
{

const Row *find(const Report &report, const std::string &name)
{
	auto row = std::find_if(report.rows.begin(), report.rows.end(), [&](const Row &row) { return row.name == name; });
	return row == report.rows.end() ? nullptr : &*row;
}

// A tenth of a nanosecond is already below what the TSC resolves; more digits would pretend.
double rounded(double value, double per_unit = 10)
{
	return std::round(value * per_unit) / per_unit;
}

} // namespace

void Report::add_row(const std::string &name, std::vector<double> samples_ns)
{
	if (samples_ns.empty()) {
		notes.push_back(name + ": no samples");
		return;
	}
	rows.push_back({name, summarize(std::move(samples_ns))});
}

void Report::add_ratio(const std::string &name, const std::string &numerator, const std::string &denominator)
{
	const Row *above = find(*this, numerator), *below = find(*this, denominator);
	if (above && below && below->ns.p50 > 0)
		ratios.emplace_back(name, above->ns.p50 / below->ns.p50);
}

void Report::add_failure(const std::string &what, const Error &error)
{
	notes.push_back(what + ": " + error.what + " (errno " + std::to_string(error.code) + ")");
	bool absent = error.code == ENOENT || error.code == ENODEV || error.code == ENXIO || error.code == EOPNOTSUPP;
	exit_code = std::max(exit_code, absent ? 4 : 1);
}

void print_table(const Report &report)
{
	const Host &host = report.host;
	printf("bench %s on %s, Linux %s, KVM: %s\n", report.bench.c_str(), host.cpu.c_str(), host.kernel.c_str(),
	       host.kvm.c_str());
	printf("cores: dedicated %d, service %d (isolated by the kernel: %s); %s; load %.2f; TSC %.1f MHz; %s\n",
	       host.cores.dedicated, host.cores.service, host.isolated.empty() ? "none" : host.isolated.c_str(),
	       host.rt ? "SCHED_RR 1" : "no real-time priority", host.load, host.tsc_mhz, host.date.c_str());
	printf("times in ns; each contains %.1f ns of clock reading\n\n", host.timer_ns);
	int width = 20;
	for (const Row &row : report.rows)
		width = std::max(width, int(row.name.size()));
	for (const auto &[name, value] : report.ratios)
		width = std::max(width, int(name.size()));
	printf("%-*s %8s %12s %12s %12s %12s %12s\n", width, "", "n", "min", "p50", "p99", "p99.9", "max");
	for (const Row &row : report.rows)
		printf("%-*s %8zu %12.1f %12.1f %12.1f %12.1f %12.1f\n", width, row.name.c_str(), row.ns.n, row.ns.min,
		       row.ns.p50, row.ns.p99, row.ns.p999, row.ns.max);
	if (!report.ratios.empty())
		printf("\nratios of medians\n");
	for (const auto &[name, value] : report.ratios)
		printf("%-*s %8.3f\n", width, name.c_str(), value);
	if (!report.values.empty())
		printf("\n");
	for (const auto &[name, value] : report.values)
		printf("%-*s %8.1f\n", width, name.c_str(), value);
	if (!report.notes.empty())
		printf("\n");
	for (const std::string &note : report.notes)
		printf("note: %s\n", note.c_str());
}

void print_json(const Report &report)
{
	using nlohmann::ordered_json;
	const Host &host = report.host;
	ordered_json out;
	out["bench"] = report.bench;
	out["unit"] = "ns";
	out["host"] = {{"cpu", host.cpu},
		       {"kernel", host.kernel},
		       {"kvm", host.kvm},
		       {"cores", {{"dedicated", host.cores.dedicated}, {"service", host.cores.service}}},
		       {"isolated", host.isolated},
		       {"rt", host.rt},
		       {"date", host.date},
		       {"tsc_mhz", rounded(host.tsc_mhz, 1e3)},
		       {"timer_ns", rounded(host.timer_ns)},
		       {"load", rounded(host.load, 100)}};
	out["rows"] = ordered_json::array();
	for (const Row &row : report.rows)
		out["rows"].push_back({{"name", row.name},
				       {"n", row.ns.n},
				       {"min", rounded(row.ns.min)},
				       {"p50", rounded(row.ns.p50)},
				       {"p99", rounded(row.ns.p99)},
				       {"p999", rounded(row.ns.p999)},
				       {"max", rounded(row.ns.max)}});
	out["ratios"] = ordered_json::object();
	for (const auto &[name, value] : report.ratios)
		out["ratios"][name] = rounded(value, 1e5);
	for (const auto &[name, value] : report.values)
		out[name] = rounded(value);
	out["notes"] = report.notes;
	// Bytes of another encoding (a CPU's name, a path in a message) are replaced: the default is an exception.
	puts(out.dump(2, ' ', false, ordered_json::error_handler_t::replace).c_str());
}

} // namespace decouple::bench
