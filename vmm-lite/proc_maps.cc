/* SPDX-License-Identifier: GPL-2.0-only */
/* Parser of /proc/PID/maps; see proc_maps.h. */
#include "proc_maps.h"

namespace decouple
{

s32 maps_fd = -1;

long maps_open()
{
	static const char path[] = "/proc/thread-self/maps";
	long fd = sys(__NR_open, addr(path), 02000000 /* O_CLOEXEC */, 0);
	if (fd >= 0)
		maps_fd = static_cast<s32>(fd);
	return fd;
}

void maps_close()
{
	if (maps_fd >= 0)
		sys(__NR_close, static_cast<u64>(maps_fd));
	maps_fd = -1;
}

bool MapsParser::feed(char c, Vma &vma)
{
	switch (field_) {
	case Field::start:
		if (c == '-')
			field_ = Field::end;
		else
			vma_.start = vma_.start << 4 | digit(c);
		return false;
	case Field::end:
		if (c == ' ')
			field_ = Field::perms;
		else
			vma_.end = vma_.end << 4 | digit(c);
		return false;
	case Field::perms:
		if (c == 'r')
			vma_.prot |= prot_read;
		else if (c == 'w')
			vma_.prot |= prot_write;
		else if (c == 'x')
			vma_.prot |= prot_exec;
		else if (c == ' ')
			field_ = Field::rest;
		return false;
	case Field::rest:
		if (c != '\n')
			return false;
		vma = vma_;
		vma_ = {};
		field_ = Field::start;
		return true;
	}
	return false;
}

} // namespace decouple
