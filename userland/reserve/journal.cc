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

Result<Journal> Journal::open(Tree &tree, const std::string &name, bool create)
{
	const std::string where = tree.at(directory);
	if (create) {
		std::error_code error;
		std::filesystem::create_directories(where, error);
		if (error)
			return fail(error.value(), "make " + where + ": " + error.message());
		chmod(where.c_str(), 0700); /* whoever can open it could lock it for ever */
	}
	const int fd = ::open(where.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		if (!create)
			return Journal(tree, name, -1);
		return fail_errno("open " + where);
	}
	while (flock(fd, LOCK_EX)) {
		if (errno == EINTR)
			continue;
		auto failed = fail_errno("lock " + where);
		close(fd);
		return failed;
	}
	return Journal(tree, name, fd);
}

Journal::Journal(Journal &&other) : tree_(other.tree_), name_(std::move(other.name_)), lock_(std::exchange(other.lock_, -1)) {}

Journal::~Journal()
{
	if (lock_ >= 0)
		close(lock_);
}

std::string Journal::boot() const
{
	return trimmed(tree_->read("/proc/sys/kernel/random/boot_id").value_or(""));
}

nlohmann::json Journal::head() const
{
	return {{"journal", "decouple " + name_}, {"version", version}, {"boot", boot()}};
}

Result<JournalContents> Journal::load(const TakeLine &take) const
{
	JournalContents contents;
	const std::string name = tree_->at(path(name_));
	auto bytes = tree_->read(path(name_));
	if (!bytes)
		return tree_->exists(path(name_)) ? Result<JournalContents>(fail_errno("read the journal " + name)) : contents;
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
				if (object.contains("begin"))
					contents.operation = object.at("begin").get<std::string>();
				else if (!object.contains("step"))
					take(object);
				else if (auto step = step_from_json(object))
					contents.steps.push_back(std::move(*step));
				continue;
			}
			if (object.value("version", 0) != version)
				throw std::runtime_error("another version");
			if (object.at("boot") != boot()) {
				contents.of_another_boot = true;
				return contents;
			}
		} catch (const std::exception &) {
			return fail(
				EINVAL,
				name + ", line " + std::to_string(number) +
					": damaged, or of another version of decouple. What was taken from Linux "
					"can't be known from it; give it back by a reboot, or by hand, and remove the file");
		}
	}
	return contents;
}

Result<> Journal::append(const std::string &operation, const std::vector<Step> &steps)
{
	const bool fresh = !tree_->exists(path(name_));
	std::string lines;
	if (fresh)
		lines = line_of(head());
	if (!operation.empty())
		lines += line_of({{"begin", operation}});
	for (const Step &step : steps)
		lines += line_of(to_json(step));
	TRY(store(tree_->at(path(name_)), O_APPEND, lines));
	return fresh ? sync_directory(lock_) : Result<>();
}

Result<> Journal::condense(const Lines &state)
{
	const std::string name = tree_->at(path(name_)), fresh = name + ".new";
	if (state.empty()) {
		unlink(fresh.c_str());
		if (unlink(name.c_str()) && errno != ENOENT)
			return fail_errno("remove the journal " + name);
		return sync_directory(lock_);
	}
	std::string lines = line_of(head());
	for (const Json &object : state)
		lines += line_of(object);
	TRY(store(fresh, O_TRUNC, lines));
	if (rename(fresh.c_str(), name.c_str()))
		return fail_errno("replace the journal " + name);
	return sync_directory(lock_);
}

} // namespace decouple
