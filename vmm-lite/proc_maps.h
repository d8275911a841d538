/* SPDX-License-Identifier: GPL-2.0-only */
/* The process's VMAs, read from /proc/thread-self/maps (the leader may be a zombie, whose own maps are empty). */
#ifndef DECOUPLE_VMM_PROC_MAPS_H
#define DECOUPLE_VMM_PROC_MAPS_H

#include "sys.h"

namespace decouple
{

/* How the process's own page tables have a device cached; left: as the host's MTRRs or KVM have it. */
enum class Caching : u8 { left, uncached, combining };

/*
 * That a mapping is of a device, and its memory type, is told by its name alone: resources of PCI functions in sysfs, VFIO, drivers' files
 * in /dev, the vDSO's data. Of other drivers' the type is left, which is uncached on hardware, or memory where it is that.
 */
struct Vma {
	u64 start, end;
	u64 prot; /* prot_read | prot_write | prot_exec */
	bool device = false;
	Caching caching = Caching::left;
};

/* The same of a name in the list; `size`: of the whole, of which there are the first and last characters. */
struct MapsName {
	static constexpr u32 head_size = 32, tail_size = 3;
	char head[head_size], tail[tail_size];
	u32 size = 0;
	void add(char c);
	void judge(Vma &vma) const;
};

/* Parser of the text, fed in pieces of any size; hosted tests feed it too. */
class MapsParser
{
public:
	/* Consumes one character; true: `vma` is a complete line's. */
	bool feed(char c, Vma &vma);

private:
	enum class Field { start, end, perms, offset, device, inode, name } field_ = Field::start;
	Vma vma_ = {};
	MapsName name_ = {};
	static u64 digit(char c) { return static_cast<u64>(c <= '9' ? c - '0' : c - 'a' + 10); }
};

/*
 * The list, kept open: when it is needed the process may have no file left to open. It can be read as long as the thread lives that opened
 * it, so that is the manager. -1: not open.
 */
extern s32 maps_fd;
long maps_open();
void maps_close();

/*
 * Calls `visit(const Vma &)` for each VMA in ascending order until it returns false. Returns 0 or -errno. On the resident's own threads,
 * which share a table of files.
 */
template <class Visit> long for_each_vma(Visit visit)
{
	if (maps_fd < 0)
		if (long e = maps_open(); e < 0)
			return e;
	char buffer[4096];
	u64 at = 0;
	MapsParser parser;
	Vma vma;
	long n;
	bool more = true;
	for (; more && (n = sys(__NR_pread64, static_cast<u64>(maps_fd), addr(buffer), sizeof(buffer), at)) > 0;
	     at += static_cast<u64>(n))
		for (long i = 0; more && i < n; i++)
			if (parser.feed(buffer[i], vma))
				more = visit(vma);
	return 0;
}

} // namespace decouple

#endif
