/* SPDX-License-Identifier: GPL-2.0-only */
/* What one run of `decouple noise` shall do: its options, checked, and the cores chosen. */
#ifndef DECOUPLE_TOOLS_NOISE_PLAN_H
#define DECOUPLE_TOOLS_NOISE_PLAN_H

#include <functional>
#include <optional>

#include "budget.h"
#include "userland/session.h"

namespace decouple::noise
{

/* As they were given. */
struct NoiseArguments {
	int core = -1, reserved = -1, churn = -1; /* -1: not given */
	unsigned samples = 50000, rounds = 10;
	std::string quantum = "100us", threshold = "100ns", duration = "10s";
	std::string tests = "fwq,ftq,gaps", load = {}, budget = {}, reflector = "auto", html = {}, causes = {};
	bool json = false, no_why = false;
};

struct Plan {
	int core = 0; /* where the plain native variant runs */
	std::optional<int> reserved; /* where the reserved native one does, and the decoupled one */
	std::vector<int> service; /* for all else */
	std::vector<int> all_reserved;
	std::optional<int> churn;
	unsigned samples = 0, rounds = 0;
	double quantum_ns = 0, threshold_ns = 0, duration_ns = 0; /* duration: of the gap detector, per variant */
	std::vector<Method> methods;
	std::vector<std::string> loads;
	std::optional<Budget> budget;
	Reflector reflector = Reflector::automatic;
	bool no_why = false;
	std::string html, causes; /* paths; empty: none */
	std::function<void(const std::string &)> progress;

	int decoupled_core() const { return reserved.value_or(core); }
};

/* Errors: EINVAL, with the option that is wrong; EOPNOTSUPP: no core is left for all else. */
Result<Plan> make_plan(const NoiseArguments &arguments);

/* The same for given cores: those that this process may use, and those that are reserved. */
Result<> choose_noise_cores(const NoiseArguments &arguments, std::vector<int> allowed, const std::vector<int> &reserved,
			    Plan &plan);

} // namespace decouple::noise

#endif
