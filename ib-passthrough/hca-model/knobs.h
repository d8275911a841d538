/* SPDX-License-Identifier: GPL-2.0-only */
/* What a test may want different. Every knob can be set by an environment variable, HCA_ and its name in capitals. */
#ifndef DECOUPLE_HCA_KNOBS_H
#define DECOUPLE_HCA_KNOBS_H

#include <cstdint>
#include <string>

namespace decouple::hca
{

struct Knobs {
	uint64_t command_delay_us = 0; /* from doorbell to completion of a command */
	uint64_t fail_opcode = 0; /* commands with this opcode fail ... */
	uint64_t fail_status = 5; /* ... with this status ... */
	uint64_t fail_after = 0; /* ... after so many that don't */
	uint64_t check_signatures = 0; /* of commands and mailboxes; else they are only made */
	uint64_t link_up_ms = 20; /* training: from PAOS to the link being up */
	uint64_t activate_ms = 100; /* sweep of a subnet manager: from then to the port being active */
	uint64_t loss_percent = 0; /* of packets */
	uint64_t lose_answers =
		1; /* or requests only: a program that ends does not wait until its last answer has come through */
	uint64_t wire_delay_us = 0;
	uint64_t least_ack_timeout_ms = 2000; /* a shorter one is as long: the other end may not be scheduled that soon */
	uint64_t seed = 1; /* of the losses */
	uint64_t lid = 0; /* 0: the first that is free */
	uint64_t trace = 0; /* commands and faults, to stderr */
	std::string fabric = "hca"; /* functions with the same name of fabric meet */

	/* From the environment; what is no number is left as it is. */
	static Knobs from_environment();
};

} // namespace decouple::hca

#endif
