#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 90
# More decoupled threads than dedicated cores: eight and more on one core, of one process and of two, with right results.
# shellcheck source=selftests/stress/lib/stress.sh
. "$(dirname "$0")/lib/stress.sh"

core=$(taskset -cp $$ | sed 's/.*[^0-9]//')
units=$(scaled 1000)
"$programs/stress_threads" -t 8 -u "$units" >"$tmp/native" 2>&1 || fail "natively: $(tail -n 3 "$tmp/native")"

check_sum() { # NAME
	[ "$(grep sum= "$tmp/native")" = "$(grep sum= "$tmp/$1")" ] || fail "$1: not the native sum: $(tail -n 1 "$tmp/$1")"
}

start one "$programs/stress_threads" -t 8 -u "$units"
one=$started
attach "$one" --all --cores "$core"
"$DECOUPLE" status "$one" --json >"$tmp/status" || fail "status: $(cat "$tmp/status")"
threads=$(grep -o '"tid"' "$tmp/status" | wc -l)
echo "$threads threads on core $core"
must_be_right "$one" one 60
check_sum one
[ "$threads" -ge 9 ] || fail "only $threads threads are decoupled, not the nine of the process: $(cat "$tmp/status")"

start two "$programs/stress_threads" -t 8 -u "$units"
two=$started
start three "$programs/stress_threads" -t 8 -u "$units"
three=$started
attach "$two" --all --cores "$core"
attach "$three" --all --cores "$core"
must_be_right "$two" two 60
must_be_right "$three" three 60
check_sum two
check_sum three
