/* SPDX-License-Identifier: GPL-2.0-only */
/* What a process uses of the kernel's memory, for differences: before and after an attach. */
#ifndef DECOUPLE_TOOLS_MEMINFO_H
#define DECOUPLE_TOOLS_MEMINFO_H

#include <sys/types.h>

#include <string>

namespace decouple::bench
{

/*
 * A memory cgroup below our own, in which the kernel counts what it allocates for the processes put there: exact, and blind to all other
 * processes (v1: memory.kmem.usage_in_bytes; v2: `kernel` of memory.stat). Where none can be made, the whole machine's Slab + KernelStack +
 * PageTables + SecPageTables + VmallocUsed of /proc/meminfo; that misses pages which the kernel counts nowhere.
 */
class KernelMemory
{
public:
	KernelMemory();
	KernelMemory(const KernelMemory &) = delete;
	/* The processes must have ended. */
	~KernelMemory();

	void watch(pid_t pid);
	double kib() const;
	/* What the figures are, for people. */
	std::string source() const;

private:
	bool use(const std::string &parent, const char *file);
	std::string group_, file_;
};

} // namespace decouple::bench

#endif
