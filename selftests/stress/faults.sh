#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
# A program that faults all the time is attached and recoupled: no fault's registers are wrong, and no attach is lost in a handler.
# shellcheck source=selftests/stress/lib/stress.sh
. "$(dirname "$0")/lib/stress.sh"

start faults "$programs/stress_faults"
target=$started
rounds=$(scaled 100)
for ((i = 0; i < rounds; i++)); do
	attach "$target"
	recouple "$target"
done
finish "$target" faults
echo "$rounds rounds, $(tail -n 1 "$tmp/faults")"
