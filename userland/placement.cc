/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the controller itself runs; see placement.h. */
#include "placement.h"

#include <fstream>
#include <sstream>
#include <string>

namespace decouple
{

int last_core(pid_t pid, pid_t tid)
{
	std::ifstream in("/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/stat");
	std::string line;
	std::getline(in, line, '\0');
	size_t name_end = line.rfind(')'); /* the name may contain anything */
	if (name_end == std::string::npos)
		return -1;
	constexpr int first_field = 3, processor_field = 39; /* proc(5) */
	std::istringstream fields(line.substr(name_end + 1));
	std::string value;
	for (int i = first_field; i <= processor_field; i++)
		if (!(fields >> value))
			return -1;
	return atoi(value.c_str());
}

OffCore::OffCore(int core)
{
	if (core < 0 || core >= CPU_SETSIZE || sched_getaffinity(0, sizeof(before_), &before_))
		return;
	cpu_set_t others = before_;
	CPU_CLR(static_cast<size_t>(core), &others);
	moved_ = CPU_ISSET(static_cast<size_t>(core), &before_) && CPU_COUNT(&others) &&
		 !sched_setaffinity(0, sizeof(others), &others);
}

OffCore::~OffCore()
{
	if (moved_)
		sched_setaffinity(0, sizeof(before_), &before_);
}

} // namespace decouple
