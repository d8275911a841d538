#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 240
# Programs that start others in vforks, under --follow: many at the same time; and a follower that is killed leaves them to run natively.
# shellcheck source=selftests/lib/target.sh
. "$(dirname "$0")/../lib/target.sh"

# A shell and its children, which run natively for the most part of their short lives.
# shellcheck disable=SC2016 # the inner shell's
rounds='i=0; while [ $i -lt $1 ]; do [ "$(/bin/echo $i)" = $i ] && /bin/sh -c "exit 7"; [ $? = 7 ] || exit 1; i=$((i + 1)); done; echo right $i'
# shellcheck disable=SC2016 # the inner shell's
many='for n in 1 2 3; do sh -c "$0" sh 2 & done; wait; echo ended'

followers() {
	grep -lx decouple-follow /proc/[0-9]*/comm 2>/dev/null | cut -d/ -f3 | sort
}

case_name="three at the same time"
timeout 200 "$decouple" run --follow --reflector "$reflector" -- sh -c "$many" "$rounds" >"$dir/out" 2>"$dir/message" || bad "status $?"
[ "$(sort "$dir/out" | uniq -c | tr -s ' ')" = " 1 ended
 3 right 2" ] || bad "output: $(cat "$dir/out" "$dir/message")"

case_name="the follower is killed"
for moment in 0.2 0.6; do
	followers >"$dir/others"
	timeout 60 "$decouple" run --follow --reflector "$reflector" -- sh -c "$rounds" sh 10 >"$dir/out" 2>"$dir/message" &
	run=$!
	started+=("$run")
	pause $moment
	for task in $(followers | comm -13 "$dir/others" -); do
		[ "$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$task/status" 2>/dev/null)" = "$(pgrep -P $run decouple)" ] && kill -KILL "$task"
	done
	wait $run || bad "after $moment s: status $?"
	[ "$(cat "$dir/out")" = "right 10" ] || bad "after $moment s: $(cat "$dir/out" "$dir/message")"
done

exit $failed
