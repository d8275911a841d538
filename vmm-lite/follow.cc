/* SPDX-License-Identifier: GPL-2.0-only */
/* --follow across execve: the new program knows nothing of us, so the controller is told before; also by a child that will run natively. */
#include "manager.h"

namespace decouple
{

/*
 * To the controller's abstract datagram socket; its answer comes when it watches the process, which it knows by the credentials that the
 * kernel adds. The fd lives in the application's table for that moment only.
 */
void manager_announce(FollowNews news)
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
	if (sys(__NR_sendto, static_cast<u64>(fd), addr(&news), sizeof(news), 0, addr(&to), family_size + 1 + n) > 0)
		sys(__NR_recvfrom, static_cast<u64>(fd), addr(&news), sizeof(news), 0, 0, 0);
	sys(__NR_close, static_cast<u64>(fd));
}

bool manager_exec_gains_rights(const u64 call[7])
{
	constexpr u64 at_cwd = static_cast<u64>(-100);
	constexpr u32 mode_at = 24 /* struct stat: st_mode */, set_ids = 06000;
	static const char capabilities[] = "security.capability";
	if (sys(__NR_geteuid) == 0)
		return false;
	bool at = call[0] == __NR_execveat;
	u64 path = at ? call[2] : call[1];
	alignas(8) u8 st[144];
	if (sys(__NR_newfstatat, at ? call[1] : at_cwd, path, addr(st), at ? call[5] : 0) < 0)
		return false;
	u32 mode;
	memcpy(&mode, st + mode_at, sizeof(mode));
	return (mode & set_ids) || (!at && sys(__NR_getxattr, path, addr(capabilities), 0, 0) > 0);
}

} // namespace decouple
