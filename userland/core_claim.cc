/* SPDX-License-Identifier: GPL-2.0-only */
/* See core_claim.h. */
#include "core_claim.h"

#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>

namespace decouple
{

std::optional<CoreClaim> CoreClaim::take(int core)
{
	CoreClaim claim(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	sockaddr_un name = {};
	name.sun_family = AF_UNIX;
	int n = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "decouple-core-%d", core);
	auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + static_cast<size_t>(n));
	/* Where there are no sockets to be had, nothing is lost but the order of two. */
	if (claim.fd_ >= 0 && bind(claim.fd_, reinterpret_cast<sockaddr *>(&name), size) < 0 && errno == EADDRINUSE)
		return std::nullopt;
	return claim;
}

CoreClaim::~CoreClaim()
{
	if (fd_ >= 0)
		close(fd_);
}

} // namespace decouple
