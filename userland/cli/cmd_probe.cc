/* SPDX-License-Identifier: GPL-2.0-only */
/* decouple probe: what this host, and optionally one process, allows. Exit code 4: nothing can be decoupled here. */
#include "cli/command.h"
#include "core_list.h"
#include "cli/host_facts.h"
#include "session.h"
#include "module.h"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <memory>
#include <optional>

namespace decouple::cli
{
namespace
{

struct Arguments {
	pid_t pid = 0;
	bool json = false;
};

/* The verdicts, made by the same checks that an attach makes. */
struct Verdict {
	Result<> kvm;
	std::optional<Result<>> target;
	bool ok() const { return kvm && (!target || *target); }
};

void print_json(const HostFacts &facts, const Verdict &verdict, const Arguments &arguments)
{
	nlohmann::ordered_json object;
	object["available"] = bool(verdict.kvm);
	object["reason"] = verdict.kvm ? "" : verdict.kvm.error().what;
	object["kernel"] = facts.kernel;
	object["cpu_model"] = facts.cpu_model;
	auto &kvm = object["kvm"];
	kvm = {{"present", facts.kvm.present},
	       {"permitted", facts.kvm.permitted},
	       {"kind", facts.kvm.kind},
	       {"api_version", facts.kvm.api_version}};
	kvm["capabilities"] = nlohmann::ordered_json::array();
	for (const Capability &capability : facts.kvm.capabilities)
		kvm["capabilities"].push_back(
			{{"name", capability.name}, {"required", capability.required}, {"value", capability.value}});
	object["reflectors"] = {{"signal", true}, {"module", bool(Module::available())}};
	object["module_loaded"] = facts.module_loaded;
	object["reserved_signal"] = facts.reserved_signal;
	object["vdso"] = facts.vdso;
	object["ptrace_scope"] = facts.ptrace_scope;
	object["clock_source"] = facts.clock_source;
	object["cores"] = {{"online", facts.online},
			   {"allowed", format_core_list(facts.allowed_cores)},
			   {"isolated", facts.isolated},
			   {"nohz_full", facts.nohz_full},
			   {"smt_siblings", facts.sibling_sets}};
	object["notes"] = performance_notes(facts);
	if (verdict.target)
		object["target"] = {{"pid", arguments.pid},
				    {"ok", bool(*verdict.target)},
				    {"reason", *verdict.target ? "" : verdict.target->error().what}};
	std::printf("%s\n", object.dump(2).c_str());
}

void row(const char *what, const std::string &value)
{
	std::printf("%-17s %s\n", what, value.empty() ? "none" : value.c_str());
}

void print_kvm(const KvmFacts &kvm)
{
	row("/dev/kvm",
	    !kvm.permitted ? kvm.error : "usable, " + kvm.kind + ", API version " + std::to_string(kvm.api_version));
	if (!kvm.permitted)
		return;
	for (const Capability &capability : kvm.capabilities)
		std::printf("  %-26s %-7s %s (%s)\n", capability.name,
			    capability.value      ? "yes"
			    : capability.required ? "MISSING"
						  : "no",
			    capability.purpose, capability.required ? "required" : "optional");
}

void print_text(const HostFacts &facts, const Verdict &verdict, const Arguments &arguments)
{
	row("kernel", facts.kernel);
	row("processor", facts.cpu_model);
	print_kvm(facts.kvm);
	row("reflectors", Module::available()   ? "module, signal"
			  : facts.module_loaded ? "signal (the module is loaded: " + Module::available().error().what + ")"
						: "signal (no module loaded)");
	row("reserved signal", std::to_string(facts.reserved_signal) + " (SIGRTMAX)");
	row("vDSO", facts.vdso ? "there" : "");
	row("ptrace_scope", facts.ptrace_scope.empty() ? "no Yama: own processes can be attached to" : facts.ptrace_scope);
	row("cores online", facts.online);
	row("cores allowed", format_core_list(facts.allowed_cores));
	row("cores isolated", facts.isolated);
	row("cores nohz_full", facts.nohz_full);
	std::string siblings;
	for (const std::string &set : facts.sibling_sets)
		siblings += (siblings.empty() ? "" : " ") + set;
	row("SMT siblings", siblings);
	row("clock source", facts.clock_source);
	for (const std::string &note : performance_notes(facts))
		row("note", note);
	if (verdict.target)
		row("target", std::to_string(arguments.pid) + ": " +
				      (*verdict.target ? "can be decoupled" : verdict.target->error().what));
	row("verdict", verdict.kvm ? "threads can be decoupled here" : "not available here: " + verdict.kvm.error().what);
}

/* check_kvm() and the table of required capabilities. */
Result<> check_host(const KvmFacts &kvm)
{
	TRY(check_kvm());
	for (const Capability &capability : kvm.capabilities)
		if (capability.required && !capability.value)
			return fail(ENODEV, std::string("this KVM lacks ") + capability.name + " (" + capability.purpose + ")");
	return {};
}

int run(const Arguments &arguments)
{
	const HostFacts facts = read_host_facts();
	Verdict verdict = {check_host(facts.kvm), {}};
	if (arguments.pid)
		verdict.target = check_target(arguments.pid);
	if (arguments.json)
		print_json(facts, verdict, arguments);
	else
		print_text(facts, verdict, arguments);
	if (!verdict.kvm)
		return exit_unavailable;
	return verdict.ok() ? exit_ok : exit_failed;
}

} // namespace

Action setup_probe(CLI::App &app)
{
	auto arguments = std::make_shared<Arguments>();
	app.add_option("PID", arguments->pid, "check this process too")->check(is_task_id())->option_text(" ");
	app.add_flag("--json", arguments->json, "print as JSON");
	return [arguments] { return run(*arguments); };
}

} // namespace decouple::cli
