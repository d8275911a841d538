/* SPDX-License-Identifier: GPL-2.0-only */
/* Two commands that choose at the same time shall not choose the same core: held from the choice until the session is there to be seen. */
#ifndef DECOUPLE_USERLAND_CORE_CLAIM_H
#define DECOUPLE_USERLAND_CORE_CLAIM_H

#include <optional>

namespace decouple
{

/* An abstract socket name, which vanishes with its owner. */
class CoreClaim
{
public:
	/* None: another command is about to use that core. */
	static std::optional<CoreClaim> take(int core);
	CoreClaim(CoreClaim &&o) noexcept : fd_(o.fd_) { o.fd_ = -1; }
	CoreClaim &operator=(CoreClaim &&) = delete;
	~CoreClaim();

private:
	explicit CoreClaim(int fd) : fd_(fd) {}
	int fd_;
};

} // namespace decouple

#endif
