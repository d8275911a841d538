/* SPDX-License-Identifier: GPL-2.0-only */
/* decouple dev: PCI functions that a program drives by itself, given to it by VFIO and taken back. */
#include "cli/command.h"
#include "cli/dev_list.h"

#include <cstdio>
#include <memory>

namespace decouple::cli
{
namespace
{

using Json = nlohmann::ordered_json;

struct Arguments {
	std::string action = "list";
	std::vector<std::string> addresses;
	unsigned vfs = 0;
	bool all = false, json = false;
};

int usage(const std::string &what)
{
	warn(what + "; see `decouple dev --help`");
	return exit_usage;
}

/* Names of verbs devices and mount points may be no UTF-8. */
std::string dumped(const Json &object)
{
	return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

int list(const Arguments &arguments)
{
	Tree tree;
	auto binding = Binding::open(tree, false);
	if (!binding)
		return report(binding.error());
	for (const std::string &line : binding->repaired())
		warn(line);
	const auto functions = read_function_facts(tree, binding->state(), arguments.all);
	if (arguments.json) {
		Json object = {{"functions", Json::array()}, {"repaired", binding->repaired()}};
		for (const FunctionFacts &facts : functions)
			object["functions"].push_back(function_json(facts));
		std::printf("%s\n", dumped(object).c_str());
	} else if (functions.empty()) {
		std::puts("no PCI functions (with --all also bridges and the chipset's own)");
	} else {
		print_function_table(functions);
	}
	return exit_ok;
}

void print_report(const Arguments &arguments, const BindReport &done, const Binding &binding)
{
	const bool binding_them = arguments.action == "bind";
	if (arguments.json) {
		Json functions = Json::array();
		for (const auto &function : done.functions)
			functions.push_back({{"address", function.address},
					     {"iommu_group", function.group},
					     {binding_them ? "had" : "driver", function.driver}});
		const Json object = {{binding_them ? "bound" : "unbound", functions},
				     {"notes", done.notes},
				     {"repaired", binding.repaired()}};
		std::printf("%s\n", dumped(object).c_str());
		return;
	}
	for (const auto &function : done.functions) {
		const char *driver = function.driver.empty() ? "none" : function.driver.c_str();
		if (binding_them)
			std::printf("%s: bound to vfio-pci, open it as /dev/vfio/%s; driver before: %s\n",
				    function.address.c_str(), function.group.c_str(), driver);
		else
			std::printf("%s: unbound; driver: %s\n", function.address.c_str(), driver);
	}
	if (done.functions.empty())
		std::puts("nothing to be unbound");
	for (const std::string &line : done.notes)
		std::printf("note: %s\n", line.c_str());
}

int change(const Arguments &arguments, const std::vector<std::string> &addresses)
{
	Tree tree;
	auto binding = Binding::open(tree, true);
	if (!binding)
		return report(binding.error());
	for (const std::string &line : binding->repaired())
		warn(line);
	Result<BindReport> done;
	if (arguments.action == "unbind")
		done = binding->unbind(addresses);
	else if (arguments.vfs)
		done = binding->bind_virtual(addresses[0], arguments.vfs);
	else
		done = binding->bind(addresses);
	if (!done)
		return report(done.error());
	print_report(arguments, *done, *binding);
	return exit_ok;
}

int run(const Arguments &arguments)
{
	const bool bind = arguments.action == "bind", unbind = arguments.action == "unbind";
	if (arguments.vfs && (!bind || arguments.addresses.size() != 1))
		return usage("--vfs belongs to `decouple dev bind` of one physical function");
	if (arguments.all && (bind || unbind))
		return usage("--all belongs to `decouple dev list`");
	if (!bind && !unbind) {
		if (!arguments.addresses.empty())
			return usage("`decouple dev list` takes no functions");
		return list(arguments);
	}
	if (arguments.addresses.empty())
		return usage("`decouple dev " + arguments.action + "` needs the address of a function, as 0000:03:00.0");
	std::vector<std::string> addresses;
	for (const std::string &text : arguments.addresses) {
		if (unbind && text == "all" && arguments.addresses.size() == 1)
			break;
		auto address = parse_pci_address(text);
		if (!address)
			return usage("`" + text + "` is not the address of a PCI function, as 0000:03:00.0 or 03:00.0");
		if (std::find(addresses.begin(), addresses.end(), *address) == addresses.end())
			addresses.push_back(*address);
	}
	return change(arguments, addresses);
}

} // namespace

Action setup_dev(CLI::App &app)
{
	auto arguments = std::make_shared<Arguments>();
	app.add_option("ACTION", arguments->action, "list (without: list), bind, unbind")
		->check(CLI::IsMember({"list", "bind", "unbind"}))
		->option_text(" ");
	app.add_option("BDF", arguments->addresses, "addresses of functions, as 0000:03:00.0; unbind takes `all` as well")
		->option_text(" ");
	app.add_option("--vfs", arguments->vfs, "bind: make so many virtual functions of it, and bind those")
		->check(CLI::Range(1u, 65535u))
		->option_text("N");
	app.add_flag("--all", arguments->all, "list: bridges and the chipset's own functions, too");
	app.add_flag("--json", arguments->json, "print as JSON");
	return [arguments] { return run(*arguments); };
}

} // namespace decouple::cli
