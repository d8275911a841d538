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

void MapsName::add(char c)
{
	if (size < head_size)
		head[size] = c;
	for (u32 i = 1; i < tail_size; i++)
		tail[i - 1] = tail[i];
	tail[tail_size - 1] = c;
	size++;
}

void MapsName::judge(Vma &vma) const
{
	auto begins = [&](const char *text) {
		u32 i = 0;
		while (text[i] && i < size && i < head_size && head[i] == text[i])
			i++;
		return !text[i];
	};
	auto ends = [&](const char *text) {
		return size >= tail_size && tail[0] == text[0] && tail[1] == text[1] && tail[2] == text[2];
	};
	if (begins("/sys/devices/")) {
		vma.device = true;
		vma.caching = ends("_wc") ? Caching::combining : Caching::uncached;
	} else if (begins("anon_inode:[vfio-device]") || begins("/dev/vfio/") || begins("/dev/hpet")) {
		vma.device = true;
		vma.caching = Caching::uncached;
	} else if (begins("[vvar")) {
		vma.device = true;
	} else if (begins("/dev/")) {
		vma.device = !begins("/dev/shm/") && !begins("/dev/zero") && !begins("/dev/hugepages");
	}
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
			field_ = Field::offset;
		return false;
	case Field::offset:
	case Field::device:
	case Field::inode:
		if (c == ' ')
			field_ = static_cast<Field>(static_cast<int>(field_) + 1);
		if (c != '\n')
			return false;
		break;
	case Field::name:
		if (c == '\n')
			break;
		if (c != ' ' || name_.size)
			name_.add(c);
		return false;
	}
	name_.judge(vma_);
	vma = vma_;
	vma_ = {};
	name_ = {};
	field_ = Field::start;
	return true;
}

} // namespace decouple
