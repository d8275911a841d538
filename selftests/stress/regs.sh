#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
# 100,000 captures, immediate and natively interrupted, change no bit of any register.
# shellcheck source=selftests/stress/lib/stress.sh
. "$(dirname "$0")/lib/stress.sh"

driver() {
	local line
	line=$("$programs/stress_driver" "$@") || {
		echo "$line"
		show "$pid"
		fail "stress_driver $*"
	}
	echo "$1: $line"
	count=${line#*=}
	count=${count%% *}
}

# Whole attaches and recouples by the command, and by the library with another thread that stays.
start cycled "$programs/stress_regs" -a -s 600
pid=$started
cycles=$(scaled 50)
for ((i = 0; i < cycles; i++)); do
	attach "$pid"
	recouple "$pid"
done
echo "$cycles attaches and recouples of the process"
attach "$pid" --all
driver cycles "$pid" "$pid" "$(scaled 500)" -1 2000 "$SEED"
total=$((cycles + count))

# Signals: each takes the thread out, into its handler, and back to what it interrupted.
captured=$("$programs/stress_driver" captures "$pid" "$pid")
driver storm "$pid" "$pid" 4000 "$(scaled 4)" "$SEED"
after=$("$programs/stress_driver" captures "$pid" "$pid")
echo "captures under the storm: $((after - captured))"
[ $((after - captured)) -ge $((count / 20)) ] || fail "$count signals led to $((after - captured)) captures only"
total=$((total + after - captured))

driver trips "$pid" "$pid" "$(scaled 90000)"
total=$((total + count))
finish "$pid" cycled

for width in avx2 sse2; do
	start $width "$programs/stress_regs" -w $width -s 600
	pid=$started
	attach "$pid"
	driver trips "$pid" "$pid" "$(scaled 10000)"
	total=$((total + count))
	driver storm "$pid" "$pid" 4000 1 "$SEED"
	recouple "$pid"
	finish "$pid" $width
done
echo "$total captures"
[ $total -ge 100000 ] || fail "fewer than 100000 captures"
