/* SPDX-License-Identifier: GPL-2.0-only */
/* Sets of cores, and how the kernel writes them: as lists ("0,2-3") and as masks in hexadecimal ("ffffffff,0000000f"). */
#ifndef DECOUPLE_RESERVE_CORE_SET_H
#define DECOUPLE_RESERVE_CORE_SET_H

#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace decouple
{

using CoreSet = std::set<int>;

CoreSet united(const CoreSet &a, const CoreSet &b);
CoreSet without(const CoreSet &a, const CoreSet &b);
CoreSet common(const CoreSet &a, const CoreSet &b);
bool includes(const CoreSet &all, const CoreSet &part);

/* Without what the kernel ends a line with. */
std::string trimmed(std::string_view text);

/* Of a kernel file: an empty one is the empty set. nullopt: not a list, not a mask. */
std::optional<CoreSet> parse_list(std::string_view text);
std::optional<CoreSet> parse_mask(std::string_view text);

std::string format_list(const CoreSet &cores);
/* In as many digits and groups as the kernel used in `like`, and with its end of line; more where the set needs them. */
std::string format_mask(const CoreSet &cores, std::string_view like);

} // namespace decouple

#endif
