/* SPDX-License-Identifier: GPL-2.0-only */
/* --follow across execve: the new program knows nothing of us, so the controller is told before. */
#include "manager.h"

namespace decouple
{

/*
 * Sends the pid to the controller's abstract datagram socket and waits for its answer, which comes when it watches the process. The fd
 * lives in the application's table for that moment only.
 */
void manager_announce_exec()
{
	const Config &c = control.config;
	if (!c.follow_socket[0])
		return;
	struct {
		u16 family;
		char path[108];
	} to = {1 /* AF_UNIX */, {}};
	u64 n = 0;
	while (n < sizeof(c.follow_socket) && c.follow_socket[n])
		n++;
	memcpy(to.path + 1, c.follow_socket, n);
	constexpr u64 dgram_cloexec = 2 | 02000000, family_size = 2;
	long fd = sys(__NR_socket, 1, dgram_cloexec, 0);
	if (fd < 0)
		return;
	u16 own = 1;
	sys(__NR_bind, static_cast<u64>(fd), addr(&own), family_size); /* a name of the kernel's choice, for the answer */
	TimeSpec patience = {1, 0};
	sys(__NR_setsockopt, static_cast<u64>(fd), 1 /* SOL_SOCKET */, 20 /* SO_RCVTIMEO */, addr(&patience), sizeof(patience));
	s32 pid = control.tgid;
	if (sys(__NR_sendto, static_cast<u64>(fd), addr(&pid), sizeof(pid), 0, addr(&to), family_size + 1 + n) > 0)
		sys(__NR_recvfrom, static_cast<u64>(fd), addr(&pid), sizeof(pid), 0, 0, 0);
	sys(__NR_close, static_cast<u64>(fd));
}

} // namespace decouple
