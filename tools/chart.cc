// SPDX-License-Identifier: GPL-2.0-only
// Drawing of charts.

#include "chart.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

namespace decouple::noise
{

namespace
{

constexpr double left = 58, right = 22, top = 10, bottom = 38; // margins
constexpr double cell = 2;
constexpr size_t few = 300; // points that are drawn one by one

std::string number(double value)
{
	char text[32];
	snprintf(text, sizeof text, "%.1f", value);
	std::string trimmed = text;
	if (trimmed.ends_with(".0"))
		trimmed.resize(trimmed.size() - 2);
	return trimmed == "-0" ? "0" : trimmed;
}

std::string text_at(double x, double y, const std::string &kind, const std::string &text, const std::string &more = "")
{
	return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" class=\"" + kind + "\"" + more + ">" + escaped(text) +
	       "</text>";
}

std::string path(const std::string &kind, const std::string &data)
{
	return "<path class=\"" + kind + "\" d=\"" + data + "\"/>\n";
}

using Cells = std::map<std::pair<int, int>, unsigned>; // by row and column

bool alone(const Cells &cells, int row, int column)
{
	for (int r = row - 2; r <= row + 2; r++)
		for (auto cell = cells.lower_bound({r, column - 2});
		     cell != cells.end() && cell->first <= std::pair(r, column + 2); ++cell)
			if (cell->first != std::pair(row, column))
				return false;
	return true;
}

} // namespace

std::string escaped(const std::string &text)
{
	std::string out;
	for (char c : text)
		switch (c) {
		case '&':
			out += "&amp;";
			break;
		case '<':
			out += "&lt;";
			break;
		case '>':
			out += "&gt;";
			break;
		case '"':
			out += "&quot;";
			break;
		case '\'':
			out += "&#39;";
			break;
		default:
			out += c;
		}
	return out;
}

double Axis::place(double value) const
{
	const double held = std::clamp(value, low, high);
	const double share = logarithmic ? std::log(held / low) / std::log(high / low) : (held - low) / (high - low);
	return from + share * (to - from);
}

Axis decades(double low, double high, const std::string &title, const std::function<std::string(double)> &label)
{
	const int first = int(std::floor(std::log10(low) + 1e-9));
	const int last = std::max(first + 1, int(std::ceil(std::log10(high) - 1e-9)));
	Axis axis = {.low = std::pow(10, first), .high = std::pow(10, last), .logarithmic = true, .title = title};
	for (int decade = first; decade <= last; decade++)
		axis.ticks.push_back({std::pow(10, decade), label(std::pow(10, decade))});
	return axis;
}

Axis linear(double low, double high, const std::string &title, const std::function<std::string(double)> &label)
{
	if (high <= low)
		high = low + 1;
	const double power = std::pow(10, std::floor(std::log10((high - low) / 4)));
	double step = power;
	for (double factor : {1.0, 2.0, 5.0, 10.0}) {
		step = power * factor;
		if ((high - low) / step <= 6)
			break;
	}
	Axis axis = {.low = low, .high = high, .title = title};
	// By whole numbers, for a sum of steps would miss zero.
	for (long i = std::lround(std::ceil(low / step - 1e-9)); double(i) * step <= high + step * 1e-6; i++)
		axis.ticks.push_back({double(i) * step, label(double(i) * step)});
	return axis;
}

Chart::Chart(double width, double height, Axis x, Axis y, const std::string &title)
    : width_(width), height_(height), x_(std::move(x)), y_(std::move(y)), title_(title)
{
	x_.from = left;
	x_.to = width_ - right;
	y_.from = height_ - bottom;
	y_.to = top;
	frame();
}

void Chart::frame()
{
	std::string grid;
	for (const Tick &tick : x_.ticks) {
		const double x = x_.place(tick.value);
		grid += "M" + number(x) + " " + number(y_.to) + "V" + number(y_.from);
		back_ += text_at(x, y_.from + 14, "tick", tick.label, " text-anchor=\"middle\"");
	}
	for (const Tick &tick : y_.ticks) {
		const double y = y_.place(tick.value);
		grid += "M" + number(x_.from) + " " + number(y) + "H" + number(x_.to);
		back_ += text_at(x_.from - 6, y + 3.5, "tick", tick.label, " text-anchor=\"end\"");
	}
	back_ = path("grid", grid) + back_;
	back_ += text_at((x_.from + x_.to) / 2, height_ - 6, "label", x_.title, " text-anchor=\"middle\"");
	const double middle = (y_.from + y_.to) / 2;
	back_ += text_at(11, middle, "label", y_.title,
			 " text-anchor=\"middle\" transform=\"rotate(-90 11 " + number(middle) + ")\"") +
		 "\n";
	front_ += path("frame", "M" + number(x_.from) + " " + number(y_.to) + "V" + number(y_.from) + "H" + number(x_.to));
}

void Chart::points(const std::vector<Point> &points, const std::string &kind)
{
	if (points.size() <= few) {
		for (const Point &point : points)
			back_ += "<circle class=\"dot " + kind + "\" cx=\"" + number(x_.place(point.x)) + "\" cy=\"" +
				 number(y_.place(point.y)) + "\" r=\"2.2\"/>";
		back_ += "\n";
		return;
	}
	Cells cells;
	for (const Point &point : points)
		cells[{int(y_.place(point.y) / cell), int(x_.place(point.x) / cell)}]++;
	// Three shades: a path each, so that the page stays small. What stands alone is what one looks for: drawn so that it is seen.
	std::string shades[3], dots;
	for (const auto &[place, count] : cells) {
		const auto [row, column] = place;
		if (alone(cells, row, column))
			dots += "M" + number(column * cell + cell / 2) + " " + number(row * cell + cell / 2) + "h0";
		else
			shades[count == 1  ? 0
			       : count < 8 ? 1
					   : 2] += "M" + number(column * cell) + " " + number(row * cell + cell / 2) + "h2";
	}
	if (!dots.empty())
		front_ += path("outlier " + kind, dots);
	for (int i = 0; i < 3; i++)
		if (!shades[i].empty())
			back_ += path("cell shade" + std::to_string(i) + " " + kind, shades[i]);
}

void Chart::steps(const std::vector<Point> &points, const std::string &kind, bool filled)
{
	if (points.empty())
		return;
	std::string data;
	for (const Point &point : points) {
		const std::string x = number(x_.place(point.x)), y = number(y_.place(point.y));
		data += data.empty() ? "M" + x + " " + y : "H" + x + "V" + y;
	}
	if (filled)
		back_ += path("area " + kind, "M" + number(x_.place(points.front().x)) + " " + number(y_.from) + "V" +
						      number(y_.place(points.front().y)) + "L" + data.substr(1) + "V" +
						      number(y_.from) + "Z");
	back_ += path("line " + kind, data);
}

void Chart::mark(double y, const std::string &label)
{
	const double at = y_.place(y);
	front_ += path("mark", "M" + number(x_.from) + " " + number(at) + "H" + number(x_.to));
	front_ += text_at(x_.to - 2, at - 3, "tick", label, " text-anchor=\"end\"") + "\n";
}

std::string Chart::svg() const
{
	return "<svg viewBox=\"0 0 " + number(width_) + " " + number(height_) + "\" role=\"img\" aria-label=\"" +
	       escaped(title_) + "\"><title>" + escaped(title_) + "</title>\n" + back_ + front_ + "</svg>\n";
}

} // namespace decouple::noise
