/* SPDX-License-Identifier: GPL-2.0-only */
/* The journal's file; see journal.h. */
#include "reserve/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <sstream>

namespace decouple
{
namespace
{

using Json = nlohmann::json;
constexpr int version = 1;

/* Names of tasks may be no UTF-8: replaced, for they are for people only. */
std::string line_of(const Json &object)
{
	return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string lines_of(const ReservedState &state)
{
	Json head = {{"reserved", format_list(state.cores)},
		     {"idle", format_list(state.idle)},
		     {"controller", state.controller},
		     {"root_balance", state.root_balance}};
	head["hush"] = Json::object();
	for (auto [core, ms] : state.hush)
		head["hush"][std::to_string(core)] = ms;
	std::string lines = line_of(head);
	for (const auto &[path, value] : state.values)
		lines += line_of({{"value", path}, {"was", value.was}, {"left", value.left}});
	for (const auto &[tid, task] : state.tasks)
		lines += line_of({{"task", tid},
				  {"start", task.start},
				  {"was", format_list(task.was)},
				  {"left", format_list(task.left)}});
	return lines;
}

void take_line(JournalContents &contents, const Json &object)
{
	ReservedState &state = contents.state;
	if (object.contains("reserved")) {
		state.cores = parse_list(object.value("reserved", "")).value_or(CoreSet());
		state.idle = parse_list(object.value("idle", "")).value_or(CoreSet());
		state.controller = object.value("controller", false);
		state.root_balance = object.value("root_balance", false);
		for (const auto &[core, ms] : object.at("hush").items())
			state.hush[std::stoi(core)] = ms.get<unsigned>();
	} else if (object.contains("value")) {
		state.values[object.at("value").get<std::string>()] = {object.value("was", ""), object.value("left", "")};
	} else if (object.contains("step")) {
		if (auto step = step_from_json(object))
			contents.steps.push_back(std::move(*step));
	} else if (object.contains("task")) {
		state.tasks[object.at("task").get<pid_t>()] = {object.value("start", 0ul),
							       parse_list(object.value("was", "")).value_or(CoreSet()),
							       parse_list(object.value("left", "")).value_or(CoreSet())};
	} else if (object.contains("begin")) {
		contents.operation = object.at("begin").get<std::string>();
	}
}

/* Writes all and has it on the disk. */
Result<> store(int fd, const std::string &bytes, const std::string &path)
{
	for (size_t done = 0; done < bytes.size();) {
		const ssize_t n = ::write(fd, bytes.data() + done, bytes.size() - done);
		if (n < 0)
			return fail_errno("write the journal " + path);
		done += static_cast<size_t>(n);
	}
	if (fdatasync(fd))
		return fail_errno("sync the journal " + path);
	return {};
}

/* The same as a whole file. */
Result<> store(const std::string &path, int flags, const std::string &bytes)
{
	const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
	if (fd < 0)
		return fail_errno("open the journal " + path);
	auto stored = store(fd, bytes, path);
	close(fd);
	return stored;
}

Result<> sync_directory(int directory)
{
	if (fsync(directory))
		return fail_errno(std::string("sync ") + Journal::directory);
	return {};
}

} // namespace

Result<Journal> Journal::open(Tree &tree, bool create)
{
	const std::string name = tree.at(directory);
	if (create) {
		std::error_code error;
		std::filesystem::create_directories(name, error);
		if (error)
			return fail(error.value(), "make " + name + ": " + error.message());
		chmod(name.c_str(), 0700); /* whoever can open it could lock it for ever */
	}
	const int fd = ::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		if (!create)
			return Journal(tree, -1);
		return fail_errno("open " + name);
	}
	while (flock(fd, LOCK_EX)) {
		if (errno == EINTR)
			continue;
		auto failed = fail_errno("lock " + name);
		close(fd);
		return failed;
	}
	return Journal(tree, fd);
}

Journal::Journal(Journal &&other) : tree_(other.tree_), lock_(std::exchange(other.lock_, -1)) {}

Journal::~Journal()
{
	if (lock_ >= 0)
		close(lock_);
}

std::string Journal::boot() const
{
	return trimmed(tree_->read("/proc/sys/kernel/random/boot_id").value_or(""));
}

Result<JournalContents> Journal::load() const
{
	JournalContents contents;
	const std::string name = tree_->at(path);
	auto bytes = tree_->read(path);
	if (!bytes)
		return tree_->exists(path) ? Result<JournalContents>(fail_errno("read the journal " + name)) : contents;
	contents.torn = bytes->empty();
	std::istringstream lines(*bytes);
	std::string line;
	for (int number = 1; std::getline(lines, line); number++) {
		contents.torn = lines.eof() && bytes->back() != '\n';
		if (contents.torn)
			break;
		try {
			const Json object = Json::parse(line);
			if (number > 1) {
				take_line(contents, object);
				continue;
			}
			if (object.value("version", 0) != version)
				throw std::runtime_error("another version");
			if (object.at("boot") != boot()) {
				contents.of_another_boot = true;
				return contents;
			}
		} catch (const std::exception &) {
			return fail(EINVAL,
				    name + ", line " + std::to_string(number) +
					    ": damaged, or of another version of decouple. What was reserved can't be "
					    "known from it; give the cores back by a reboot, or by hand, and remove it");
		}
	}
	return contents;
}

Result<> Journal::append(const std::string &operation, const std::vector<Step> &steps)
{
	const bool fresh = !tree_->exists(path);
	std::string lines;
	if (fresh)
		lines = line_of({{"journal", "decouple cores"}, {"version", version}, {"boot", boot()}}) +
			lines_of(ReservedState());
	if (!operation.empty())
		lines += line_of({{"begin", operation}});
	for (const Step &step : steps)
		lines += line_of(to_json(step));
	TRY(store(tree_->at(path), O_APPEND, lines));
	return fresh ? sync_directory(lock_) : Result<>();
}

Result<> Journal::condense(const ReservedState &state)
{
	const std::string name = tree_->at(path);
	if (state.all().empty()) {
		unlink((name + ".new").c_str());
		if (unlink(name.c_str()) && errno != ENOENT)
			return fail_errno("remove the journal " + name);
		return sync_directory(lock_);
	}
	const std::string fresh = name + ".new";
	TRY(store(fresh, O_TRUNC,
		  line_of({{"journal", "decouple cores"}, {"version", version}, {"boot", boot()}}) + lines_of(state)));
	if (rename(fresh.c_str(), name.c_str()))
		return fail_errno("replace the journal " + name);
	return sync_directory(lock_);
}

} // namespace decouple
