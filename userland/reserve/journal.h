/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What we have taken from Linux, what that has changed, and what is being changed right now: /var/lib/decouple/NAME.journal, one JSON object
 * a line; NAME is `cores` or `devices`. What the lines of the state say is their owner's business.
 * Every step of an operation is in it, and on disk, before the first is made: who is killed in between leaves a journal by which the next
 * command undoes it. An operation that is complete is condensed to the state that it led to, in a new file which replaces the old one.
 * A journal of an earlier boot is void, for the kernel has forgotten all that it speaks of.
 */
#ifndef DECOUPLE_RESERVE_JOURNAL_H
#define DECOUPLE_RESERVE_JOURNAL_H

#include <functional>
#include <string>
#include <vector>

#include "reserve/step.h"

namespace decouple
{

/* Bytes of a file before anything was reserved, and as we left them. */
struct JournalContents {
	std::string operation; /* unfinished: "reserve 2-3"; empty: none */
	std::vector<Step> steps; /* of it */
	bool of_another_boot = false; /* everything else is then empty */
	bool torn = false; /* its writer was killed before it was durable: nothing was done by its last line */
};

class Journal
{
public:
	using Lines = std::vector<nlohmann::json>;
	/* Takes one line of the state; throws what JSON throws where it can't. */
	using TakeLine = std::function<void(const nlohmann::json &)>;
	/*
	 * Waits until no other command has one. `create`: makes the directory if it is not there, else there is nothing to lock.
	 * The lock goes with the process at the latest.
	 */
	static Result<Journal> open(Tree &tree, const std::string &name, bool create);
	Journal(Journal &&other);
	Journal &operator=(Journal &&) = delete;
	~Journal();

	Result<JournalContents> load(const TakeLine &take) const;
	/* Durable when it returns; `operation` with the first steps only. */
	Result<> append(const std::string &operation, const std::vector<Step> &steps);
	/* Replaces the journal by this state; removes it when that has no line. */
	Result<> condense(const Lines &state);

	static constexpr const char *directory = "/var/lib/decouple";
	static std::string path(const std::string &name) { return std::string(directory) + "/" + name + ".journal"; }

private:
	Journal(Tree &tree, std::string name, int lock) : tree_(&tree), name_(std::move(name)), lock_(lock) {}
	nlohmann::json head() const;
	std::string boot() const;

	Tree *tree_;
	std::string name_;
	int lock_; /* of the directory; -1: there is none */
};

} // namespace decouple

#endif
