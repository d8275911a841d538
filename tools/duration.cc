// SPDX-License-Identifier: GPL-2.0-only
// Reading and writing of times.

#include "duration.h"

#include <charconv>
#include <cmath>
#include <cstdio>

namespace decouple::noise
{

namespace
{

struct Unit {
	const char *name;
	double ns;
};

constexpr Unit units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};

} // namespace

Result<double> parse_duration(const std::string &option, const std::string &text)
{
	double number = 0;
	auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
	const std::string unit(end, text.data() + text.size());
	if (error == std::errc() && std::isfinite(number) && number >= 0)
		for (const Unit &known : units)
			if (unit == known.name)
				return number * known.ns;
	return fail(EINVAL, option + " " + text + ": give a time with its unit, ns, us, ms or s, as in 100us");
}

std::string format_duration(double ns)
{
	const Unit *best = &units[0];
	for (const Unit &unit : units)
		if (std::abs(ns) >= unit.ns)
			best = &unit;
	const double value = ns / best->ns;
	const int decimals = std::abs(value) >= 100 || ns == 0 ? 0 : std::abs(value) >= 10 ? 1 : 2;
	char text[40];
	snprintf(text, sizeof text, "%.*f %s", decimals, value, best->name);
	return text;
}

} // namespace decouple::noise
