/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's settings that keep work away from reserved cores, besides cpusets and affinities of tasks; in the order in which they are set. */
#ifndef DECOUPLE_RESERVE_KNOB_H
#define DECOUPLE_RESERVE_KNOB_H

#include <string>
#include <vector>

#include "reserve/tree.h"

namespace decouple
{

struct Knob {
	/* mask and list: cores that may be used; word: `word` while a core of `cores` is reserved (of any, if that is empty) */
	enum Kind { mask, list, word };
	Kind kind = word;
	std::string path, what;
	std::string write_path; /* if it is set in another file than the one that shows it */
	std::string word_text;
	CoreSet cores;
	int interrupt = -1; /* number of the interrupt whose affinity it is */
};

/* All that this kernel has. */
std::vector<Knob> all_knobs(const Tree &tree, const CoreSet &online);

/*
 * Bytes for a knob that reads `original` when nothing is reserved. `service`: the cores that stay with Linux, of which a mask that would
 * become empty gets all. The same bytes: nothing to be done, or not in a form that we know.
 */
std::string knob_target(const Knob &knob, const std::string &original, const CoreSet &reserved, const CoreSet &service);

/* "24 (virtio0-requests)"; the names of its devices are missing where none uses it. */
std::string interrupt_name(const Tree &tree, int number);
bool interrupt_in_use(const Tree &tree, int number);
/* Where it is delivered by now; by its affinity where the kernel doesn't tell. */
CoreSet interrupt_cores(const Tree &tree, int number);
std::vector<int> all_interrupts(const Tree &tree);

} // namespace decouple

#endif
