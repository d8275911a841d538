#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
# A thread that computes on a reserved core is not interrupted by what is reserved and released beside it: per interrupt of /proc/interrupts but
# the tick, not more than in the same number of commands that reserve nothing. In the short form 10 rounds; SOAK=1: 100.
# shellcheck source=selftests/cores/lib/cores.sh
. "$(dirname "$0")/lib/cores.sh"
use_v2
rounds=10
[ ! "${SOAK:-}" ] || rounds=100
cores reserve 3
start sh -c 'while :; do :; done'
echo "$pid" >$cgroup/decouple/cgroup.procs
taskset -cp 3 "$pid" >/dev/null
before
sleep 1

# Name and count of each interrupt on core 3.
counts() {
	awk 'NR > 1 && NF > 5 && $1 != "LOC:" { print $1, $5 }' /proc/interrupts
}
during() { # COMMAND...: prints what it added, a line each
	local round
	counts >"$work/first"
	for ((round = 0; round < rounds; round++)); do
		"$@" || fail "$*: failed in round $round"
	done
	counts >"$work/second"
	join "$work/first" "$work/second" | awk '$2 != $3 { print $1, $3 - $2 }'
}
nothing() {
	cores list
	cores list
}
cycle() {
	cores reserve 2
	cores release 2
}

cycle # what happens the first time only
during nothing >"$work/baseline"
ticks=$(awk '$1 == "LOC:" { print $5 }' /proc/interrupts)
during cycle >"$work/cycles"
ticks=$(($(awk '$1 == "LOC:" { print $5 }' /proc/interrupts) - ticks))
# Workers of workqueues that are just being made are seen on any core.
for ((try = 0; try < 20; try++)); do
	cores list --json
	[ "$(jq -r '.cores[3].tasks' "$work/out")" != 1 ] || break
	sleep 0.5
done
[ "$(jq -r '.cores[3].tasks' "$work/out")" = 1 ] || fail "core 3 has $(jq -c '.cores[3]' "$work/out"): $(tasks_on 3)"
echo "$rounds rounds, $ticks ticks on core 3 meanwhile; baseline: $(tr '\n' ' ' <"$work/baseline"); with them: $(tr '\n' ' ' <"$work/cycles")"
join -a 2 -e 0 -o 0,1.2,2.2 "$work/baseline" "$work/cycles" | awk '$3 > $2' >"$work/more"
kill "$pid"
wait "$pid" 2>/dev/null
[ ! -s "$work/more" ] || fail "more than the baseline (interrupt, baseline, with them): $(cat "$work/more")"
