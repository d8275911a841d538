#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
# kill -9 before each call by which `reserve` and `release` change something: the next command puts everything back, and says so. The program
# runs unchanged, with kill_at.c preloaded. In the short form some of the calls, by chance; SOAK=1: all. SEED repeats the choice.
# shellcheck source=selftests/cores/lib/cores.sh
. "$(dirname "$0")/lib/cores.sh"
use_v2
RANDOM=${SEED:=$RANDOM}
killer=${TEST_BUILD:-build/selftests}/cores/kill_at.so
[ -e "$killer" ] || fail "$killer is not built: make selftests"
echo f >/proc/irq/24/smp_affinity
start taskset -c 1,3 sleep 1000
start taskset -c 2 sleep 1000
sleep 0.3

kills=0 repairs=0
# Kills at call after call until the command comes through. What was before has to be again, or all is done: then `back` undoes it.
kill_each() { # COMMAND BACK DONE: the last a test for "all is done"
	local at=0 status
	while :; do
		at=$((at + 1))
		[ "${SOAK:-}" ] || at=$((at + RANDOM % 7))
		[ $at -lt 300 ] || fail "$1: no end at call $at"
		# In braces, for the shell's word of the kill.
		# shellcheck disable=SC2086
		{
			KILL_AT=$at LD_PRELOAD=$killer "$decouple" cores $1 >"$work/out"
			status=$?
		} 2>"$work/err"
		if [ $status = 0 ]; then
			cores "${2%% *}" "${2##* }"
			as_before "decouple cores $1, not killed (SEED=$SEED)"
			return
		fi
		[ $status = 137 ] || fail "$1, call $at: exit status $status: $(cat "$work/out" "$work/err")"
		kills=$((kills + 1))
		cores list
		if grep -q 'was not finished' "$work/err"; then
			repairs=$((repairs + 1))
		elif $3; then
			cores "${2%% *}" "${2##* }" # killed when all was done
		fi
		as_before "killed before call $at of $1 (SEED=$SEED)"
	done
}
there() {
	[ -d $cgroup/decouple ]
}
gone() {
	[ ! -d $cgroup/decouple ]
}

before
kill_each "reserve 3" "release all" there
cores reserve 3
before
kill_each "release all" "reserve 3" gone
echo "$kills kills, $repairs of them in the midst of it (SEED=$SEED)"
[ $repairs -gt 5 ] || fail "only $repairs of $kills were in the midst of it"
