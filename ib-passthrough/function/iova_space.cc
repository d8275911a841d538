// SPDX-License-Identifier: GPL-2.0-only
// Free addresses.

#include "function/iova_space.h"

namespace decouple
{

/* Behind the last one; if there is no room, in the first gap. */
std::optional<uint64_t> IovaSpace::take(uint64_t len)
{
	const std::lock_guard lock(mutex_);
	uint64_t at = taken_.empty() ? first_ : taken_.rbegin()->first + taken_.rbegin()->second;
	if (at > last_ || last_ - at < len - 1) {
		at = first_;
		for (const auto &[start, size] : taken_) {
			if (start - at >= len)
				break;
			at = start + size;
		}
		if (at > last_ || last_ - at < len - 1)
			return std::nullopt;
	}
	taken_[at] = len;
	return at;
}

void IovaSpace::give(uint64_t iova)
{
	const std::lock_guard lock(mutex_);
	taken_.erase(iova);
}

} // namespace decouple
