// SPDX-License-Identifier: GPL-2.0-only
// Knobs from the environment.

#include "hca-model/knobs.h"

#include <cctype>
#include <charconv>
#include <cstdlib>
#include <cstring>

namespace decouple::hca
{

Knobs Knobs::from_environment()
{
	Knobs knobs;
	const struct {
		const char *name;
		uint64_t Knobs::*value;
	} numbers[] = {
		{"command_delay_us", &Knobs::command_delay_us},
		{"fail_opcode", &Knobs::fail_opcode},
		{"fail_status", &Knobs::fail_status},
		{"fail_after", &Knobs::fail_after},
		{"check_signatures", &Knobs::check_signatures},
		{"link_up_ms", &Knobs::link_up_ms},
		{"activate_ms", &Knobs::activate_ms},
		{"loss_percent", &Knobs::loss_percent},
		{"lose_answers", &Knobs::lose_answers},
		{"wire_delay_us", &Knobs::wire_delay_us},
		{"least_ack_timeout_ms", &Knobs::least_ack_timeout_ms},
		{"seed", &Knobs::seed},
		{"lid", &Knobs::lid},
		{"trace", &Knobs::trace},
	};
	for (const auto &number : numbers) {
		std::string name = std::string("HCA_") + number.name;
		for (char &letter : name)
			letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
		const char *text = std::getenv(name.c_str());
		if (!text)
			continue;
		const int base = std::strncmp(text, "0x", 2) ? 10 : 16;
		const char *digits = text + (base == 16 ? 2 : 0);
		std::from_chars(digits, text + std::strlen(text), knobs.*number.value, base);
	}
	if (const char *fabric = std::getenv("HCA_FABRIC"))
		knobs.fabric = fabric;
	return knobs;
}

} // namespace decouple::hca
