/* SPDX-License-Identifier: GPL-2.0-only */
/* From ENABLE_HCA to TEARDOWN_HCA: what the function can do, and the pages of the host that its firmware lives in. */
#ifndef DECOUPLE_HCA_LIFECYCLE_H
#define DECOUPLE_HCA_LIFECYCLE_H

#include <array>
#include <vector>

#include "hca-model/bus.h"
#include "hca-model/part.h"

namespace decouple::hca
{

class Lifecycle : public Part
{
public:
	explicit Lifecycle(Bus &bus);

	std::optional<Status> execute(Command &command) override;
	void reset() override;
	/* Pages of the host that the firmware holds. */
	size_t pages() const { return pages_.size(); }

private:
	Status query_capabilities(Command &command) const;
	Status manage_pages(Command &command);

	Bus &bus_;
	std::array<uint8_t, 4096> general_ = {};
	std::array<uint8_t, 64> atomic_ = {};
	std::vector<uint64_t> pages_;
	bool enabled_ = false;
};

} // namespace decouple::hca

#endif
