// SPDX-License-Identifier: GPL-2.0-only
// Facts about the machine, from procfs and sysfs.

#include "host.h"

#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tsc.h"

namespace decouple::bench
{

namespace
{

std::string first_line(const char *path)
{
	std::string line;
	std::ifstream file(path);
	std::getline(file, line);
	return line;
}

std::string cpu_model()
{
	std::ifstream file("/proc/cpuinfo");
	for (std::string line; std::getline(file, line);)
		if (line.starts_with("model name"))
			return line.substr(std::min(line.size(), line.find(':') + 2));
	return "unknown";
}

// A module directory exists for built-in modules too, as long as they have parameters or a version; kvm_* all have.
std::string kvm_kind()
{
	for (auto [path, kind] : {std::pair("/sys/module/kvm_pvm", "pvm"), std::pair("/sys/module/kvm_intel", "vmx"),
				  std::pair("/sys/module/kvm_amd", "svm")})
		if (!access(path, F_OK))
			return kind;
	return access("/dev/kvm", F_OK) ? "none" : "unknown";
}

} // namespace

bool installed(const std::string &program)
{
	std::istringstream paths(getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
	for (std::string dir; std::getline(paths, dir, ':');)
		if (!access(((dir.empty() ? "." : dir) + "/" + program).c_str(), X_OK))
			return true;
	return false;
}

Host read_host(CorePair cores, bool rt)
{
	Host host = {};
	utsname names = {};
	uname(&names);
	double loads[1] = {};
	getloadavg(loads, 1);
	char date[32] = "";
	time_t now = time(nullptr);
	tm parts;
	strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &parts));
	host.cpu = cpu_model();
	host.kernel = names.release;
	host.kvm = kvm_kind();
	host.isolated = first_line("/sys/devices/system/cpu/isolated");
	host.date = date;
	host.cores = cores;
	host.rt = rt;
	host.tsc_mhz = 1e3 / ns_per_tick();
	host.timer_ns = timer_ns();
	host.load = loads[0];
	return host;
}

} // namespace decouple::bench
