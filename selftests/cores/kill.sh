#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
# kill -9 before each system call by which `reserve` and `release` change something: the next command puts everything back, and says so.
# The program runs unchanged; strace kills it. In the short form a third of the calls, by chance; SOAK=1: all. SEED repeats the choice.
# shellcheck source=selftests/cores/lib/cores.sh
. "$(dirname "$0")/lib/cores.sh"
use_v2
command -v strace >/dev/null || {
	echo "strace is not installed"
	exit 4
}
RANDOM=${SEED:=$RANDOM}
calls=(write mkdir rmdir rename unlink fsync fdatasync sched_setaffinity)
echo f >/proc/irq/24/smp_affinity
start taskset -c 1,3 sleep 1000
start taskset -c 2 sleep 1000
sleep 0.3

kills=0 repairs=0
# Kills at call after call until the command comes through. What was before has to be again, or all is done: then `back` undoes it.
kill_each() { # COMMAND BACK
	local call at status chosen
	for call in "${calls[@]}"; do
		for ((at = 1; ; at++)); do
			[ $at -lt 100 ] || fail "$1: no end at the ${at}th $call"
			chosen=$((RANDOM % 3))
			[ "${SOAK:-}" ] || [ $chosen = 0 ] || [ $at = 1 ] || continue
			# shellcheck disable=SC2086
			strace -o "$work/trace" -e "trace=$call" -e "inject=$call:signal=KILL:when=$at" \
				"$decouple" cores $1 >"$work/out" 2>"$work/err"
			status=$?
			if [ $status = 0 ]; then
				cores "${2%% *}" "${2##* }"
				as_before "decouple cores $1, not killed (SEED=$SEED)"
				break
			fi
			[ $status = 137 ] || fail "$1, $call $at: exit status $status: $(cat "$work/out" "$work/err")"
			kills=$((kills + 1))
			cores list
			if grep -q 'was not finished' "$work/err"; then
				repairs=$((repairs + 1))
			elif [ "$1" = "reserve 3" ] && [ -d $cgroup/decouple ]; then
				cores "${2%% *}" "${2##* }" # killed when all was done
			elif [ "$1" = "release all" ] && [ ! -d $cgroup/decouple ]; then
				cores "${2%% *}" "${2##* }"
			fi
			as_before "killed before $call number $at of $1 (SEED=$SEED)"
		done
	done
}

before
kill_each "reserve 3" "release all"
cores reserve 3
before
kill_each "release all" "reserve 3"
[ $repairs -gt 10 ] || fail "only $repairs of $kills were in the midst of it"
echo "$kills kills, $repairs of them in the midst of it (SEED=$SEED)"
