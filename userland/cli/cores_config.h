/* SPDX-License-Identifier: GPL-2.0-only */
/* The configuration of a node's standing reservation (/etc/decouple/cores.conf): lines `key = value`, `#` begins a comment. */
#ifndef DECOUPLE_CLI_CORES_CONFIG_H
#define DECOUPLE_CLI_CORES_CONFIG_H

#include <optional>
#include <string>

#include "reserve/reservation.h"

namespace decouple::cli
{

struct CoresConfig {
	CoreSet cores; /* `cores = 2-3`; none: nothing is to be reserved */
	Siblings siblings = Siblings::leave; /* `siblings = leave|take|idle` */
	std::optional<unsigned> hush_ms; /* `hush = 1000`; empty or 0: none */
};

/* Errors name file and line. */
Result<CoresConfig> read_cores_config(const std::string &path);

/* Also of the command line. */
std::optional<Siblings> parse_siblings(const std::string &word);
/* Milliseconds of a hush. */
std::optional<unsigned> parse_hush(const std::string &text);

} // namespace decouple::cli

#endif
