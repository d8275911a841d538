#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 90
# Every signal of a storm is handled exactly once and in order, decoupled from the start and while the thread is moved about.
# shellcheck source=selftests/stress/lib/stress.sh
. "$(dirname "$0")/lib/stress.sh"

seconds=$(scaled 3)
for rate in 1000 8000; do
	start run-$rate "$DECOUPLE" run "${reflector[@]}" -- "$programs/stress_signals" -s "$seconds" -r $rate
	must_be_right "$started" run-$rate $((seconds + 20))
done

start moved "$programs/stress_signals" -s $((seconds * 3)) -r 2000
pid=$started
moves=0 end=$((SECONDS + seconds * 3 - 1))
while [ $SECONDS -lt $end ] && kill -0 "$pid" 2>/dev/null; do
	attach "$pid"
	sleep "0.0$((RANDOM % 10))"
	recouple "$pid"
	sleep "0.0$((RANDOM % 10))"
	moves=$((moves + 1))
done
echo "$moves attaches and recouples under the storm"
[ $moves -ge 3 ] || fail "too few to prove anything"
must_be_right "$pid" moved 30
