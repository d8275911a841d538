/* SPDX-License-Identifier: GPL-2.0-only */
/* Parser of /proc/PID/maps; see proc_maps.h. */
#include "proc_maps.h"

namespace decouple
{

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
