/* SPDX-License-Identifier: GPL-2.0-only */
/* One change of a reservation, and how it is undone: what the journal holds before the change is made. */
#ifndef DECOUPLE_RESERVE_STEP_H
#define DECOUPLE_RESERVE_STEP_H

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

#include "reserve/tree.h"

namespace decouple
{

/*
 * kind             do                     undo                       undone only if
 * write            write `text`           write `undo_text`          the file still reads `next`
 * make_directory   mkdir                  rmdir                      it is there
 * remove_directory rmdir                  mkdir                      it is not there
 * hush             write `text`           write `undo_text`          the file is there
 * expect           read: next, or fail    -
 * driver           bind it to `next`      bind it to `old`           it is bound to `next` or to none; `path` is the function's directory
 * task             affinity `next`        affinity `old`             it is the same task (start time)
 *
 * Steps are undone last one first, but tasks behind all others: their affinity is what the cpusets let it be.
 */
struct Step {
	enum Kind { write, make_directory, remove_directory, hush, expect, task, driver };
	Kind kind = write;
	std::string path; /* none of a task */
	std::string write_path; /* where the kernel takes what it shows in `path`, if that is another file */
	std::string old, next; /* what the file reads before and after, or core lists of a task */
	std::string text, undo_text; /* what is written for it */
	std::string second_text; /* tried when the kernel doesn't know `text` (EINVAL) */
	std::string what; /* for people: "interrupt 24 (virtio0-config)" */
	bool fatal = false; /* without it there is no reservation; else it is reported */
	int tid = 0;
	unsigned long start = 0; /* of the task, clock ticks since boot */
};

Step driver_step(const std::string &function, const std::string &old, const std::string &next);

/* A write of `next` over `old`, as they are read. */
Step value_step(const std::string &path, const std::string &old, const std::string &next, const std::string &what);

nlohmann::json to_json(const Step &step);
/* nullopt: not a step. */
std::optional<Step> step_from_json(const nlohmann::json &object);

Result<> do_step(Tree &tree, const Step &step);

/* What undo_steps() could not or would not undo: a line each. */
std::vector<std::string> undo_steps(Tree &tree, const std::vector<Step> &steps);

} // namespace decouple

#endif
