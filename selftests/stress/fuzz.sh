#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
# Random system calls do the same natively, decoupled, and while the process is decoupled and recoupled.
# shellcheck source=selftests/stress/lib/stress.sh
. "$(dirname "$0")/lib/stress.sh"

calls=3000
work=$tmp/work

# A fresh directory in a fresh directory, always of the same name: what the program makes in the parent must not meet the next run.
fresh_work() {
	rm -rf "$work"
	mkdir -p "$work/in"
}

# run_in_work OUT COMMAND...
run_in_work() {
	local out=$1
	shift
	fresh_work
	(cd "$work/in" && exec timeout -k 5 30 "$@" >"$out" 2>"$out.err" </dev/null)
}

compare() { # SEED WHAT FIRST
	cmp -s "$tmp/native" "$tmp/other" && return
	diff "$tmp/native" "$tmp/other" | head -n 12
	head -n 5 "$tmp/other.err"
	fail "seed $1: not the same natively and $2; to repeat: SEED=$3 $0"
}

programs=$(realpath "$programs") DECOUPLE=$(realpath "$DECOUPLE")
seeds=$(scaled 30)
for ((i = 0; i < seeds; i++)); do
	seed=$((SEED + i))
	run_in_work "$tmp/native" "$programs/stress_fuzz" -n $calls $seed || fail "seed $seed: status $? natively"
	run_in_work "$tmp/other" "$DECOUPLE" run "${reflector[@]}" -- "$programs/stress_fuzz" -n $calls $seed ||
		echo "seed $seed: status $? decoupled"
	compare $seed decoupled $seed
done
echo "$seeds seeds of $calls calls decoupled"

# The same while the process goes to and fro.
moved=0 seeds=$(scaled 4)
for ((i = 0; i < seeds; i++)); do
	seed=$((SEED + 1000 + i))
	run_in_work "$tmp/native" "$programs/stress_fuzz" -n $calls -p 200 $seed || fail "seed $seed: status $? natively"
	fresh_work
	(cd "$work/in" && exec "$programs/stress_fuzz" -n $calls -p 200 $seed >"$tmp/other" 2>"$tmp/other.err" </dev/null) &
	pid=$!
	children+=("$pid")
	# It may end at any time: then the command's failure means nothing.
	while kill -0 $pid 2>/dev/null; do
		timeout 20 "$DECOUPLE" $pid "${reflector[@]}" >"$tmp/command" 2>&1 && moved=$((moved + 1))
		[ $((RANDOM % 2)) = 0 ] && sleep 0.0$((RANDOM % 10))
		timeout 20 "$DECOUPLE" recouple $pid >/dev/null 2>&1
	done &
	mover=$!
	children+=("$mover")
	ended $pid 60 || fail "seed $seed: hangs while it is moved"
	kill $mover 2>/dev/null
	wait $mover 2>/dev/null
	compare $seed "moved to and fro" $((seed - 1000))
done
echo "$seeds seeds of $calls calls moved to and fro"
