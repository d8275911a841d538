/* SPDX-License-Identifier: GPL-2.0-only */
/* Charts as SVG to stand inside a page: frame, axes and marks. Colours and fonts are classes of the page's style sheet. */
#ifndef DECOUPLE_TOOLS_CHART_H
#define DECOUPLE_TOOLS_CHART_H

#include <functional>
#include <string>
#include <vector>

namespace decouple::noise
{

/* Text for a page: the five characters that mean something there are replaced. */
std::string escaped(const std::string &text);

struct Tick {
	double value;
	std::string label;
};

/* From values to a place; a value beyond the range is put at its end. */
struct Axis {
	double low = 0, high = 1;
	bool logarithmic = false;
	std::string title = {};
	std::vector<Tick> ticks = {};
	double from = 0, to = 1; /* pixels of low and high */

	double place(double value) const;
};

/* Decades from `low` to `high`, both rounded outwards; label: of a value. */
Axis decades(double low, double high, const std::string &title, const std::function<std::string(double)> &label);
/* Steps of 1, 2 or 5 times a power of ten. */
Axis linear(double low, double high, const std::string &title, const std::function<std::string(double)> &label);

struct Point {
	double x, y;
};

class Chart
{
public:
	/* The axes get their places. `title` is what a screen reader says, and the tooltip. */
	Chart(double width, double height, Axis x, Axis y, const std::string &title);

	/*
	 * Points as cells of 2 x 2 pixels, darker where many fall into one: as large as the chart, however many points there are. A few points
	 * are dots. `kind`: class of the colour.
	 */
	void points(const std::vector<Point> &points, const std::string &kind);
	/* A line of steps; filled: down to the bottom. */
	void steps(const std::vector<Point> &points, const std::string &kind, bool filled);
	/* A horizontal line with a label. */
	void mark(double y, const std::string &label);

	std::string svg() const;

private:
	void frame();
	double width_, height_;
	Axis x_, y_;
	std::string title_, back_, front_;
};

} // namespace decouple::noise

#endif
