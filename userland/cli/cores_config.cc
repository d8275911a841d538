/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading the configuration file; see cores_config.h. */
#include "cli/cores_config.h"

#include <charconv>
#include <fstream>

namespace decouple::cli
{
namespace
{

std::string stripped(const std::string &text)
{
	const char *blank = " \t\r";
	const size_t first = text.find_first_not_of(blank);
	return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(blank) - first + 1);
}

/* Empty: understood. */
std::string take_setting(CoresConfig &config, const std::string &key, const std::string &value)
{
	if (key == "cores") {
		auto cores = parse_list(value);
		if (!cores)
			return "`" + value + "` is not a list of cores such as 1,4-7";
		config.cores = *cores;
	} else if (key == "siblings") {
		auto siblings = parse_siblings(value.empty() ? "leave" : value);
		if (!siblings)
			return "`" + value + "` is none of leave, take, idle";
		config.siblings = *siblings;
	} else if (key == "hush") {
		config.hush_ms.reset();
		if (value.empty() || value == "0")
			return "";
		config.hush_ms = parse_hush(value);
		if (!config.hush_ms)
			return "`" + value + "` is not a number of milliseconds from " + std::to_string(hush_least) + " to " +
			       std::to_string(hush_most);
	} else {
		return "no setting is called `" + key + "` (there are cores, siblings and hush)";
	}
	return "";
}

} // namespace

std::optional<Siblings> parse_siblings(const std::string &word)
{
	if (word == "leave")
		return Siblings::leave;
	if (word == "take")
		return Siblings::take;
	if (word == "idle")
		return Siblings::idle;
	return std::nullopt;
}

std::optional<unsigned> parse_hush(const std::string &text)
{
	unsigned ms = 0;
	auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ms);
	if (error != std::errc() || end != text.data() + text.size() || ms < hush_least || ms > hush_most)
		return std::nullopt;
	return ms;
}

Result<CoresConfig> read_cores_config(const std::string &path)
{
	std::ifstream file(path);
	if (!file)
		return fail_errno("open the configuration " + path);
	CoresConfig config;
	std::string line;
	for (int number = 1; std::getline(file, line); number++) {
		line = stripped(line.substr(0, line.find('#')));
		if (line.empty())
			continue;
		const size_t equals = line.find('=');
		const std::string wrong = equals == std::string::npos ? "`" + line + "` is not of the form key = value"
								      : take_setting(config, stripped(line.substr(0, equals)),
										     stripped(line.substr(equals + 1)));
		if (!wrong.empty())
			return fail(EINVAL, path + ", line " + std::to_string(number) + ": " + wrong);
	}
	if (file.bad())
		return fail(EIO, "read the configuration " + path);
	return config;
}

} // namespace decouple::cli
