/* SPDX-License-Identifier: GPL-2.0-only */
/* The process's VMAs, read from /proc/thread-self/maps (the leader may be a zombie, whose own maps are empty). */
#ifndef DECOUPLE_VMM_PROC_MAPS_H
#define DECOUPLE_VMM_PROC_MAPS_H

#include "sys.h"

namespace decouple
{

struct Vma {
	u64 start, end;
	u64 prot; /* prot_read | prot_write | prot_exec */
};

/* Parser of the text, fed in pieces of any size; hosted tests feed it too. */
class MapsParser
{
public:
	/* Consumes one character; true: `vma` is a complete line's. */
	bool feed(char c, Vma &vma);

private:
	enum class Field { start, end, perms, rest } field_ = Field::start;
	Vma vma_ = {};
	static u64 digit(char c) { return static_cast<u64>(c <= '9' ? c - '0' : c - 'a' + 10); }
};

/* Calls `visit(const Vma &)` for each VMA in ascending order until it returns false. Returns 0 or -errno. */
template <class Visit> long for_each_vma(Visit visit)
{
	static const char path[] = "/proc/thread-self/maps";
	long fd = sys(__NR_open, addr(path), 02000000 /* O_CLOEXEC */, 0);
	if (fd < 0)
		return fd;
	char buffer[4096];
	MapsParser parser;
	Vma vma;
	long n;
	bool more = true;
	while (more && (n = sys(__NR_read, static_cast<u64>(fd), addr(buffer), sizeof(buffer))) > 0)
		for (long i = 0; more && i < n; i++)
			if (parser.feed(buffer[i], vma))
				more = visit(vma);
	sys(__NR_close, static_cast<u64>(fd));
	return 0;
}

} // namespace decouple

#endif
