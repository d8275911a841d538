/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses of a device that are free. */
#ifndef DECOUPLE_FUNCTION_IOVA_SPACE_H
#define DECOUPLE_FUNCTION_IOVA_SPACE_H

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>

namespace decouple
{

class IovaSpace
{
public:
	/* Both in pages; `last` is the last address. */
	IovaSpace(uint64_t first, uint64_t last) : first_(first), last_(last) {}

	/* nullopt: there is no room. */
	std::optional<uint64_t> take(uint64_t len);
	void give(uint64_t iova);

private:
	const uint64_t first_, last_;
	std::mutex mutex_; /* protects taken_ */
	std::map<uint64_t, uint64_t> taken_; /* length by address */
};

} // namespace decouple

#endif
