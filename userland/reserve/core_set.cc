/* SPDX-License-Identifier: GPL-2.0-only */
/* Sets of cores; see core_set.h. */
#include "reserve/core_set.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "core_list.h"

namespace decouple
{

constexpr size_t group_digits = 8; /* between two commas of a mask */

CoreSet united(const CoreSet &a, const CoreSet &b)
{
	CoreSet result = a;
	result.insert(b.begin(), b.end());
	return result;
}

CoreSet without(const CoreSet &a, const CoreSet &b)
{
	CoreSet result;
	std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::inserter(result, result.end()));
	return result;
}

CoreSet common(const CoreSet &a, const CoreSet &b)
{
	CoreSet result;
	std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::inserter(result, result.end()));
	return result;
}

bool includes(const CoreSet &all, const CoreSet &part)
{
	return std::includes(all.begin(), all.end(), part.begin(), part.end());
}

std::string trimmed(std::string_view text)
{
	while (!text.empty() && (text.back() == '\n' || text.back() == ' '))
		text.remove_suffix(1);
	return std::string(text);
}

std::optional<CoreSet> parse_list(std::string_view text)
{
	const std::string list = trimmed(text);
	if (list.empty())
		return CoreSet();
	auto cores = parse_core_list(list);
	if (!cores)
		return std::nullopt;
	return CoreSet(cores->begin(), cores->end());
}

std::optional<CoreSet> parse_mask(std::string_view text)
{
	const std::string mask = trimmed(text);
	CoreSet cores;
	int core = 0;
	for (size_t i = mask.size(); i--;) {
		const char c = mask[i];
		if (c == ',')
			continue;
		const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
		if (digit < 0)
			return std::nullopt;
		for (int bit = 0; bit < 4; bit++, core++)
			if (digit & 1 << bit)
				cores.insert(core);
	}
	return cores;
}

std::string format_list(const CoreSet &cores)
{
	return format_core_list(std::vector<int>(cores.begin(), cores.end()));
}

std::string format_mask(const CoreSet &cores, std::string_view like)
{
	const std::string model = trimmed(like);
	size_t digits = model.size() - static_cast<size_t>(std::count(model.begin(), model.end(), ','));
	if (!cores.empty())
		digits = std::max(digits, static_cast<size_t>(*cores.rbegin()) / 4 + 1);
	std::string mask;
	for (size_t digit = std::max<size_t>(digits, 1); digit--;) {
		int value = 0;
		for (int bit = 0; bit < 4; bit++)
			value |= cores.count(static_cast<int>(digit) * 4 + bit) ? 1 << bit : 0;
		mask += "0123456789abcdef"[value];
		if (digit && digit % group_digits == 0)
			mask += ',';
	}
	return mask + std::string(like.substr(model.size()));
}

} // namespace decouple
