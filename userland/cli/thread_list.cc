/* SPDX-License-Identifier: GPL-2.0-only */
/* One decoupled thread as JSON and in words. */
#include "cli/thread_list.h"

#include <fstream>

namespace decouple::cli
{

nlohmann::ordered_json thread_json(const ThreadStatus &thread, bool verbose)
{
	const SessionInfo &info = thread.info;
	nlohmann::ordered_json object = {
		{"pid", thread.pid},
		{"tid", thread.tid},
		{"core", info.core},
		{"state", state_name(info.state)},
		{"reflector", thread.module ? "module" : "signal"},
		{"syscalls", info.syscalls},
		{"exits", info.exits},
	};
	if (!verbose)
		return object;
	object["service_core"] = info.service_core;
	object["vcpu_tid"] = info.vcpu_tid;
	object["reason"] = reason_text(info.reason);
	object["detail"] = info.detail;
	object["error"] = info.error;
	object["captures"] = info.captures;
	object["recouples"] = info.recouples;
	object["signals"] = info.signals;
	object["faults"] = info.faults;
	object["page_exits"] = info.page_exits;
	object["doorbells"] = info.doorbells;
	object["events"] = info.events;
	object["clones"] = info.clones;
	object["last_syscall"] = info.last_syscall;
	object["command"] = thread_command(thread);
	object["kvm"] = nlohmann::ordered_json::object();
	for (const KvmFigure &figure : thread.kvm)
		object["kvm"][figure.name] = figure.value;
	return object;
}

std::string thread_command(const ThreadStatus &thread)
{
	std::ifstream file("/proc/" + std::to_string(thread.pid) + "/task/" + std::to_string(thread.tid) + "/comm");
	std::string name;
	if (!std::getline(file, name))
		return "-";
	/* A comm may hold anything: keep it on one line, in one colour, and valid JSON. */
	for (char &c : name)
		if (c < ' ' || c > '~')
			c = '?';
	return name;
}

} // namespace decouple::cli
