/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's files (/proc, /sys) and our own below /var, seen from a root directory; and the affinity of tasks. All that a reservation
 * reads or changes goes through here. The virtual functions are those that change something: tests have them act on a tree of plain files.
 */
#ifndef DECOUPLE_RESERVE_TREE_H
#define DECOUPLE_RESERVE_TREE_H

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "reserve/core_set.h"

namespace decouple
{

class Tree
{
public:
	/* root: what stands before every path; empty for this machine. */
	explicit Tree(std::string root = "") : root_(std::move(root)) {}
	virtual ~Tree() = default;

	std::string at(const std::string &path) const { return root_ + path; }
	bool exists(const std::string &path) const;
	/* All bytes of a file; nullopt: not there, or not readable. */
	std::optional<std::string> read(const std::string &path) const;
	/* Names in a directory, sorted (numbers by value); empty if there is none. */
	std::vector<std::string> entries(const std::string &path) const;
	std::vector<std::string> directories(const std::string &path) const;
	/* Where links lead, as a path of this tree; the path itself if that can't be told. */
	std::string resolved(const std::string &path) const;

	/* In one write(2), into a file that is there. Error: the errno alone, for the caller knows what it wrote. */
	virtual Result<> write(const std::string &path, const std::string &bytes);
	virtual Result<> make_directory(const std::string &path);
	virtual Result<> remove_directory(const std::string &path);
	/* Error ESRCH: it has ended. */
	virtual Result<CoreSet> affinity(pid_t tid) const;
	virtual Result<> set_affinity(pid_t tid, const CoreSet &cores);

private:
	const std::string root_;
};

} // namespace decouple

#endif
