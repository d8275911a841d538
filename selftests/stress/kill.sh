#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
# kill -9 of the target, of the command and of the vCPU thread at 500 random moments: nothing hangs, survivors are right.
# shellcheck source=selftests/stress/lib/stress.sh
. "$(dirname "$0")/lib/stress.sh"

"$programs/stress_kill" "$SEED" "$(scaled 500)" "$programs" || fail "stress_kill"
# A process like any other can still be decoupled.
start after "$programs/stress_threads" -t 2
attach "$started" --all
recouple "$started"
finish "$started" after
