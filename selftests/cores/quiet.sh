#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 150
# The whole of it on a stock kernel without boot parameters: a core is reserved, and hushed; a running program is decoupled, finds that core by
# itself, computes there, and is hardly interrupted, while the other cores have work to do; `why` names what comes. Released, all is as before.
# Windows of 5 s; SOAK=1: 20 of 30 s.
# shellcheck source=selftests/cores/lib/cores.sh
. "$(dirname "$0")/lib/cores.sh"
spin=${TEST_BUILD:-build/selftests}/kmod/spin
seconds=5 windows=3
[ ! "${SOAK:-}" ] || { seconds=30 windows=20; }
[ -e /dev/decouple ] || {
	echo "no /dev/decouple: the module is not loaded"
	exit 4
}
use_v2

# By kind, all interrupts of core 3.
interrupts() {
	awk 'NR > 1 && NF > 4 { print $1, $5 }' /proc/interrupts
}
# Sets rate, interrupts in 100 seconds, and what, which they were.
window() {
	local t
	interrupts >"$work/first"
	t=$(date +%s%N)
	sleep "$1"
	interrupts >"$work/second"
	t=$((($(date +%s%N) - t) / 1000000))
	what=$(awk 'NR == FNR { n[$1] = $2; next } $2 > n[$1] { printf "%s%d ", $1, $2 - n[$1]; sum += $2 - n[$1] } END { print "sum:" sum + 0 }' \
		"$work/first" "$work/second")
	rate=$((${what##*sum:} * 100000 / t))
}
# Sets median, of some windows.
measure() {
	local i rates=()
	for ((i = 0; i < windows; i++)); do
		window $seconds
		rates+=("$rate")
		echo "$1: $rate interrupts in 100 s: $what"
	done
	median=$(printf '%s\n' "${rates[@]}" | sort -n | sed -n "$(((windows + 1) / 2))p")
}

before
for core in 0 1; do
	start sh -c 'while :; do :; done'
	taskset -cp "$core" "$pid" >/dev/null
done
cores reserve 3
start "$spin"
timeout 60 "$decouple" --reflector module --json "$pid" >"$work/attached" 2>&1 || fail "attach: $(cat "$work/attached")"
core=$(timeout 20 "$decouple" status --json "$pid" | jq '.threads[0].core')
[ "$core" = 3 ] || fail "it computes on core $core instead of the reserved one"
sleep 1
measure "reserved"
plain=$median
timeout 60 "$decouple" why --json --duration 3 "$pid" >"$work/why" || fail "why: status $?"
jq -r '[.events[] | select(.causes[0].kind != "local_timer")] | map(.words)[]' "$work/why" | sort | uniq -c | sort -rn | head -n 10
unknown=$(jq '[.events[] | select(.causes | length == 0 or .[0].kind == "unknown")] | length' "$work/why")
[ "$unknown" = 0 ] || fail "$unknown disturbances without a cause"
timeout 60 "$decouple" recouple "$pid" >"$work/out" 2>&1 || fail "recouple: $(cat "$work/out")"
kill -KILL "$pid"
wait "$pid" 2>/dev/null
cores release 3

# An overloaded machine may find nobody in time who keeps the time.
for ((try = 0; try < 5; try++)); do
	"$decouple" cores reserve 3 --hush=1000 >"$work/out" 2>"$work/err" && break
	sleep 1
done
[ $try -lt 5 ] || fail "reserve --hush: $(cat "$work/out" "$work/err")"
start "$spin"
timeout 60 "$decouple" --reflector module --json "$pid" >"$work/attached" 2>&1 || fail "attach: $(cat "$work/attached")"
sleep 2
measure "hushed"
echo "interrupts in 100 s, medians: $plain reserved, $median reserved and hushed"
[ "$plain" -gt 1500 ] || fail "the tick was not there before"
[ $((median * 10)) -le "$plain" ] || fail "not hushed"
# One a second (docs/claims.md, H5). A window may begin and end with one.
[ "$median" -le $((100 + 100 / seconds)) ] || fail "more than one a second"
timeout 60 "$decouple" recouple "$pid" >"$work/out" 2>&1 || fail "recouple: $(cat "$work/out")"
for pid in "${children[@]}"; do
	kill -KILL "$pid" 2>/dev/null
done
wait 2>/dev/null
cores release all
[ -z "$(cat /sys/kernel/decouple/hush)" ] || fail "still hushed: $(cat /sys/kernel/decouple/hush)"
as_before "released"
